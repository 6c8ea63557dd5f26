"""Has a configured value the shape that its function takes: a group of settings, or a list?"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from molediff.commands import CONFIGS


def check_shapes(run: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    """Hold settings against the annotations of the function that gets them.

    Raises:
        ValueError: one is null or a single value where a group of settings or a list belongs.
    """
    hints = get_type_hints(run)
    others = [p.name for p in inspect.signature(run).parameters.values() if p.kind is p.VAR_KEYWORD]
    for key, value in settings.items():
        _check(run, key, value, hints.get(key if key in hints else "".join(others)))


def _check(run: Callable[..., Any], key: str, value: Any, hint: Any) -> None:
    kind, got = get_origin(hint), "null" if value is None else repr(value)
    if hint is Any and (value is None or isinstance(value, str)):
        kind = type(_usual(run, key))
    if kind in (dict, Mapping):
        if not isinstance(value, Mapping):
            inside = ", ".join(f"{key}.{name}" for name in _usual(run, key) or ())
            raise ValueError(
                f"{key} is a group of settings: give one of {inside or 'those in it'}; got {got}"
            )
        for name, one in value.items():
            _check(run, f"{key}.{name}", one, (get_args(hint) or (str, Any))[1])
    elif kind in (list, Sequence) and (isinstance(value, str) or not isinstance(value, Sequence)):
        raise ValueError(f"{key} takes a list, such as '{key}=[...]'; got {got}")


def _usual(run: Callable[..., Any], key: str) -> Any:
    """What the config whose `run` this function is has under a dotted key; None if it has nothing there."""
    name = re.compile(rf"^run: {re.escape(run.__module__)}\.{run.__qualname__}\b", re.MULTILINE)
    for file in CONFIGS.glob("*/*.yaml"):
        if name.search(text := file.read_text(encoding="utf-8")):
            return functools.reduce(_of, key.split("."), yaml.safe_load(text))
    return None


def _of(part: Any, key: str) -> Any:
    return part.get(key) if isinstance(part, Mapping) else None
