"""A config of configs/ and settings by name, `key=value` with plain values: no Hydra grammar, no quoting twice."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from typer import Option

from molediff.commands import CONFIGS

Settings = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting of the config, as often as there are such; VALUE is a number, true, false, null, a "
        "word or a [list].",
    ),
]


def parsed(settings: Sequence[str] | None) -> dict[str, Any]:
    """The values of `KEY=VALUE` words.

    Raises:
        ValueError: a word is none.
    """
    import yaml

    values: dict[str, Any] = {}
    for word in settings or ():
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ValueError(f"--set takes KEY=VALUE, such as --set seed=2; got {word!r}")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            values[key] = text
        if isinstance(values[key], dict):  # such as a path with a colon and a blank
            values[key] = text
    return values


def configured(
    name: str, choices: Mapping[str, str | None], settings: Mapping[str, Any], under: str = ""
) -> Any:
    """The config `name` with members of groups chosen and settings put in.

    Args:
        name: file in configs/, without .yaml.
        choices: of groups by their name; None leaves the usual one.
        settings: by key, dotted where it lies deeper; all must exist.
        under: key below which the settings lie.

    Raises:
        ValueError: there is no such member or key; the nearest is named.
    """
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf, open_dict

    for group, member in choices.items():
        known = sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))
        if member is not None and member not in known:
            raise ValueError(f"{group} is one of {', '.join(known)}; got {member!r}{_nearest(member, known)}")
    words = [f"{group}={member}" for group, member in choices.items() if member is not None]
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose(name, words)
    part = config[under] if under else config
    for key, value in settings.items():
        holder, _, last = key.rpartition(".")
        place = OmegaConf.select(part, holder) if holder else part
        if place is None or last not in place:
            known = (
                sorted(map(str, part))
                if not holder or place is None
                else [f"{holder}.{one}" for one in map(str, place)]
            )
            hidden = {"run", "hydra", "build", "train"}
            names = [one for one in known if one not in hidden]
            raise ValueError(
                f"there is no setting {key!r}{_nearest(key, names) or ': it has ' + ', '.join(names)}"
            )
        if OmegaConf.is_dict(place[last]) and value is not None:
            inside = ", ".join(f"{key}.{one}" for one in place[last])
            raise ValueError(f"{key} is a group of settings: give one of {inside}")
        with open_dict(part):
            OmegaConf.update(part, key, value, merge=False)
    return config


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f": did you mean {near[0]!r}?" if near else ""
