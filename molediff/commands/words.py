"""Messages of the package in the words of a command: `max_attempts=9` of Python is `--max-attempts 9` at the prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

Result = TypeVar("Result", bound=Any)

_OTHER_NAMES = {
    "num_workers": "workers",
    "num_processes": "workers",
    "seconds_each": "timeout",
    "recipe.window": "window",
}
"""Settings whose option has another name."""
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\w)"
_IN_PROSE = (
    (r"(?:the )?weights '([\w.-]+)'", r"--weights \1", "weights"),
    (r"\ba Mol with\b", "an SDF file with", "molecules"),
    (r"\bone of None, ", "one of ", ""),
    (r",? or None\b", "", ""),
)
"""What is said of Python's objects, what is said at a prompt, and which parameter a command must have for it."""


def options_of(command: Any) -> dict[str, str]:
    """The options of a command, such as `--num-steps`, by the names that its settings have in Python."""
    options = {
        param.name: max(param.opts, key=len) if param.param_type_name == "option" else ""
        for param in getattr(command, "params", ())
    }
    others = {name: options[other] for name, other in _OTHER_NAMES.items() if other in options}
    return {**options, **others}


def as_typed(message: str, options: Mapping[str, str]) -> str:
    """A message of the package as somebody at a prompt understands it.

    Args:
        message: it names settings as they stand in Python: `num_steps`, `relax='mmff'`, `strict=True`.
        options: see `options_of`.
    """
    names = [name for name, option in options.items() if option]
    if not names:
        return message

    def option(found: re.Match[str]) -> str:
        return options[found["name"]]

    def with_value(found: re.Match[str]) -> str:
        others = (found.groupdict().get("others") or "").replace("'", "")
        return f"{option(found)} {found['value']}{others}"

    every = _any_of(names)
    long = _any_of([name for name in names if "_" in name])
    words = re.sub(rf"{every}=True\b", option, message)
    # One value, or several to choose from: 'a', 'b' or 'c'.
    quoted = r"(?P<q>['\"])(?P<value>[^'\"]*)(?P=q)(?P<others>(?:,? (?:or )?'[\w.-]+'(?![\w ]*=))*)"
    words = re.sub(rf"{every}={quoted}", with_value, words)
    words = re.sub(rf"{every}=(?P<value>{_NUMBER})", with_value, words)
    words = re.sub(rf"{every}=(?=[\s.,;:)]|$)", option, words)
    words = re.sub(rf"{every}(?= must be\b| needs\b| cannot be set\b)", option, words)
    words = re.sub(rf"(?<=\bleave ){every}(?= out\b)", option, words)
    if long:
        words = re.sub(rf"{long}(?![/'\"=]|\.\w)", option, words)
    for said, typed, needs in _IN_PROSE:
        if not needs or needs in options:
            words = re.sub(said, typed, words)
    return words


def spoken(results: Iterable[Result], options: Mapping[str, str]) -> Iterator[Result]:
    """Results whose reasons are in the words of a command."""
    for result in results:
        yield replace(result, reason=as_typed(result.reason, options)) if result.reason else result


def _any_of(names: list[str]) -> str:
    """A pattern of any of these words that is no part of a longer one, nor of the name of a file."""
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return rf"(?<![\w./'\"-])(?P<name>{listed})\b" if listed else ""
