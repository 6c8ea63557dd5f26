"""Words of a command line that Hydra reads as they are meant: names of files, quoted for its grammar, and lists."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from molediff.commands import CONFIGS

# Keys whose value is the name of a file or folder: taken as it stands, whatever Hydra's grammar thinks of it.
_PATHS = {
    *(
        "output",
        "array",
        "film",
        "status",
        "fixed",
        "references",
        "weights",
        "latent",
        "pixel",
        "draws",
        "records",
    ),
    *(
        "root",
        "folder",
        "run_dir",
        "ckpt_path",
        "warm_start",
        "path",
        "train",
        "val",
        "teacher",
        "minima_from",
    ),
}
OVERRIDE = re.compile(r"^\+{0,2}([A-Za-z_][\w./@:-]*)=")
"""A word `key=value`."""


def quoted_paths(words: Sequence[str], config_name: str) -> list[str]:
    """The words of a command line, names of files quoted for Hydra's grammar.

    `[a,b]` stays a list where the key has one, or has no value yet and there is no file of that name.
    """
    lists = {word for word in words if _reads_as_list(word)}
    chosen = [word for word in words if _is_choice(word)] if lists else []
    return [
        word if word in lists and _takes_list(word, config_name, chosen) else quoted_path(word)
        for word in words
    ]


def quoted_path(word: str) -> str:
    """An override whose value is the name of a file, quoted for Hydra's grammar; any other word as it is."""
    match = OVERRIDE.match(word)
    if match is None or "=" not in word:
        return word
    value = word[match.end() :]
    is_path = match[1] not in _groups() and match[1].split(".")[-1] in _PATHS
    if not is_path or value in ("", "null", "???") or value[0] == value[-1] in ("'", '"'):
        return word
    # A quote ends the value, and so do backslashes before one count; elsewhere they stand for themselves.
    escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + (r"\'" if found[2] else ""), value)
    return f"{match[0]}'{escaped}'"


def _groups() -> set[str]:
    return {path.name for path in CONFIGS.iterdir() if path.is_dir()}


def _reads_as_list(word: str) -> bool:
    match = OVERRIDE.match(word)
    return match is not None and word[match.end() :].startswith("[") and word.endswith("]")


def _is_choice(word: str) -> bool:
    """Whether a word takes a member of a config group, as benchmark=known_molecules."""
    match = OVERRIDE.match(word)
    return match is not None and match[1] in _groups()


def _takes_list(word: str, config_name: str, chosen: list[str]) -> bool:
    """Whether the key of an override has a list in the config with the chosen members."""
    match = OVERRIDE.match(word)
    assert match is not None
    try:
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = hydra.compose(config_name, chosen)
        *parents, key = match[1].split(".")
        holder: Any = OmegaConf.select(config, ".".join(parents)) if parents else config
        if OmegaConf.is_missing(holder, key):
            return not os.path.exists(word[match.end() :])
        return isinstance(holder[key], ListConfig)
    except (HydraException, OmegaConfBaseException, AttributeError, TypeError):
        return False  # a word is wrong, which Hydra says next
