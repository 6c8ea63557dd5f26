"""Settings in groups or by themselves: one way for every generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any


def gather(
    kinds: Mapping[str, type],
    groups: Mapping[str, Any],
    words: Mapping[str, Any],
    room: str,
    call: str,
    beside: Sequence[str] = (),
) -> dict[str, Any]:
    """All settings by their names, of groups and of single words.

    Args:
        kinds: the dataclass of each group by the name of the group.
        groups: one of its kind, or None, by the name of the group.
        words: settings given by themselves; their group may not be given too.
        room: where the kinds are found, such as "molediff.images", for messages.
        call: what takes the settings, for messages.
        beside: what else it takes by name, for messages.

    Raises:
        TypeError: a word is no setting.
        ValueError: a group is something else, or a setting is given twice.
    """
    settings: dict[str, Any] = {}
    known = {field.name for kind in kinds.values() for field in fields(kind)}
    for word in words:
        if word not in known:
            others = f", and {', '.join(sorted(beside))}" if beside else ""
            raise TypeError(
                f"{call} have no setting {word!r}; they have {', '.join(sorted(known))}, in groups or by "
                f"themselves{others}."
            )
    for name, kind in kinds.items():
        given, names = groups.get(name), [field.name for field in fields(kind)]
        if given is not None and not isinstance(given, kind):
            raise ValueError(f"{name} must be a {room}.{kind.__name__}, or None; got {given!r}.")
        if given is not None and (twice := [word for word in names if word in words]):
            raise ValueError(
                f"{', '.join(twice)} is given beside {name}=: put it into {kind.__name__}(...), or leave {name} out."
            )
        group = given if given is not None else kind(**{word: words[word] for word in names if word in words})
        settings |= {word: getattr(group, word) for word in names}
    return settings
