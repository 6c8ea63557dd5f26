"""Model cards: what is known of weights, from one file beside them, `NAME.card.json`, for the prompt and the site."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molediff.runtime.words import counted

_WIDTH = 110
_DRAWS = {"torsions": "torsions to begin with", "graphs": "molecular graphs"}


@dataclass(frozen=True)
class Measurement:
    """Figures of one protocol.

    Attributes:
        weights: the first eight digits of the SHA-256 of the weights that were measured.
        page: where it is told, a file of the repository.
        protocol: what was drawn, how much of it, and against what.
        seeds: as they are written.
        command: what measures it again.
        figures: values, with their units, by what they are.
    """

    weights: str
    page: str
    protocol: str
    seeds: str
    command: str
    figures: dict[str, str]


@dataclass(frozen=True)
class Card:
    """What people have written of weights; what the file itself knows stands in it.

    Attributes:
        use: what they are for, in a line.
        about: the same in a paragraph.
        data: what they were trained on.
        level: level of theory of these data.
        domain: what they know, where no domain of molecules says it.
        training: what the training cost.
        licence: of the weights.
        limits: a sentence each.
        measured: figures.
    """

    use: str
    about: str
    data: str
    training: str
    level: str | None = None
    domain: str | None = None
    licence: str = "MIT"
    limits: list[str] = field(default_factory=list)
    measured: list[Measurement] = field(default_factory=list)


def card_of(weights: Path) -> Card | None:
    """The card that lies beside a weights file; None if there is none."""
    file = weights.with_suffix(".card.json")
    if not file.is_file():
        return None
    content = json.loads(file.read_text(encoding="utf-8"))
    measured = [Measurement(**one) for one in content.pop("measured", [])]
    return Card(**content, measured=measured)


def rows(facts: dict[str, Any], card: Card | None) -> list[tuple[str, str]]:
    """What a table on weights says: names and values, those without a value left out.

    Args:
        facts: what the head of the file says (`molediff.commands.weights.facts_of`).
        card: what is written of them.
    """
    sampling, minutes = facts.get("sampling"), facts.get("minutes")
    steps = _steps(sampling) if sampling else None
    last_part = f"{minutes:.0f} minutes in the last part" if minutes else None
    found = [
        ("draws", _DRAWS.get(facts["kind"], facts["kind"])),
        ("trained on", card.data if card else facts.get("data")),
        ("level of theory", card.level if card else None),
        ("knows", facts.get("domain") or (card.domain if card else None)),
        ("training", card.training if card else last_part),
        ("average of", _parts(facts.get("averaged"))),
        ("parameters", f"{facts['parameters']:,}" if facts.get("parameters") else None),
        ("sampled with", steps),
        ("size of the file", f"{facts['megabytes']:.1f} MB"),
        ("made on", str(facts.get("date") or "")[:10]),
        ("SHA-256", facts.get("sha256")),
        ("licence", card.licence if card else None),
    ]
    return [(name, " ".join(str(value).split())) for name, value in found if value]


def _parts(averaged: Any) -> str | None:
    """What weights are the average of: "0.25 of qm9_distilled (ed4aeceb), 0.75 of more/weights.safetensors (3da00d71)".

    Older files have words, or shares by SHA-256.
    """
    if isinstance(averaged, dict):
        averaged = [{"sha256": sha256, "share": share} for sha256, share in averaged.items()]
    if not isinstance(averaged, list):
        return averaged
    return ", ".join(
        f"{part['share']:g} of "
        + (f"{part['name']} ({part['sha256'][:8]})" if "name" in part else part["sha256"][:8])
        for part in averaged
    )


def _steps(sampling: dict[str, Any]) -> str:
    """The solver and its evaluations, those of some starts apart: "ddim, 2 evaluations (minima: 1)"."""
    usual, by_init = len(sampling["lambdas"]), sampling.get("lambdas_by_init", {})
    others = [f"{init}: {len(lambdas)}" for init, lambdas in by_init.items() if len(lambdas) != usual]
    apart = f" ({', '.join(others)})" if others else ""
    return f"{sampling['solver']}, {counted(usual, 'evaluation')}{apart}"


def of_which(one: Measurement, sha256: str) -> str:
    """Whose figures these are, in words: of these weights, or of others that had their name before."""
    return f"weights {one.weights}" + (
        "" if sha256.startswith(one.weights) else ", the ones before, not measured again"
    )


def as_text(name: str, facts: dict[str, Any], card: Card | None) -> str:
    """The card of weights for a terminal."""
    return "\n".join(_lines(name, facts, card))


def _lines(name: str, facts: dict[str, Any], card: Card | None) -> Iterator[str]:
    if card:
        yield f"{name}: {card.use}\n"
        yield textwrap.fill(_plain(card.about), _WIDTH) + "\n"
    told = [*rows(facts, card), ("file", facts["file"])]
    yield from _table(told, "")
    if not card:
        return
    if card.limits:
        yield "\nLimits"
        for limit in card.limits:
            yield textwrap.fill(_plain(limit), _WIDTH, initial_indent="- ", subsequent_indent="  ")
    for one in card.measured:
        yield f"\nMeasured ({of_which(one, facts['sha256'])}, seed {one.seeds}; {one.page})"
        yield textwrap.fill(_plain(one.protocol), _WIDTH, initial_indent="  ", subsequent_indent="  ")
        yield from _table(list(one.figures.items()), "  ")


def _table(told: list[tuple[str, str]], indent: str) -> Iterator[str]:
    width = max(len(name) for name, _ in told)
    for name, value in told:
        start = f"{indent}{name:{width}}  "
        yield textwrap.fill(
            _plain(value),
            max(_WIDTH, len(start) + 40),
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _plain(text: str) -> str:
    return text.replace("`", "")
