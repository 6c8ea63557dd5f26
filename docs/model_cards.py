"""Model cards: what the weights say of themselves, and what is written of each (`molediff/weights/NAME.card.json`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from molediff.commands.cards import Card, Measurement, card_of, of_which, rows
from molediff.commands.weights import domain_of, facts_of
from molediff.networks.pretrained import SHIPPED


def cards(weights: Path = SHIPPED) -> str:
    """A section for every file of weights in a folder, in the order of what they draw and of their names."""
    facts = {file: facts_of(file) for file in weights.glob("*.safetensors")}
    order = sorted(facts, key=lambda file: (str(facts[file]["kind"]), file.stem))
    return "\n\n".join(card(file.stem, facts[file], domain_of(file), card_of(file)) for file in order)


def card(name: str, facts: dict[str, Any], domain: str | None, written: Card | None) -> str:
    """The section on one file of weights."""
    facts = {**facts, "domain": domain}
    told = [(key, f"`{value}`" if key == "SHA-256" else value) for key, value in rows(facts, written)]
    parts = [f"## {name}"]
    if written:
        parts.append(written.about)
    parts.append(_table(told))
    if written and written.limits:
        parts.append("**Limits**\n\n" + "\n".join(f"- {limit}" for limit in written.limits))
    parts += [_figures(one, facts["sha256"]) for one in (written.measured if written else [])]
    return "\n\n".join(parts)


def _figures(one: Measurement, sha256: str) -> str:
    """A paragraph on what was measured, with a link where it is told, and its table."""
    page = one.page.removeprefix("docs/")
    where = f"[{Path(page).stem}]({page})" if one.page.startswith("docs/") else f"`{one.page}`"
    said = f"**Measured** ({of_which(one, sha256)}, seed {one.seeds}; {where}): {one.protocol}. By `{one.command}`."
    return f"{said}\n\n{_table(list(one.figures.items()))}"


def _table(told: list[tuple[str, str]]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {key} | {_cell(value)} |" for key, value in told)


def _cell(value: str) -> str:
    return value.replace("|", "\\|")
