"""Model cards: what the weights say of themselves, and a short text on each, `docs/models/NAME.md`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from molediff.commands.weights import facts_of
from molediff.molecules.perception.domain import Domain, shipped_domain
from molediff.networks.pretrained import SHIPPED, find_weights
from molediff.networks.weights import load_weights

_FIGURES = re.compile(r"^Figures \(weights (\w{8})\): .*$", flags=re.M)
"""Figures in a text belong to weights of this checksum, and are left out of the card of any others."""


def cards(texts: Path) -> str:
    """A section for every file of weights that ships, in the order of what they draw and of their names.

    Args:
        texts: folder of the short texts; weights without one get a card of facts alone.
    """
    facts = {file.stem: facts_of(file) for file in SHIPPED.glob("*.safetensors")}
    order = sorted(facts, key=lambda name: (str(facts[name]["kind"]), name))
    return "\n\n".join(card(name, facts[name], texts / f"{name}.md") for name in order)


def card(name: str, facts: dict[str, Any], text: Path) -> str:
    """The section on one file of weights."""
    said = text.read_text(encoding="utf-8").strip().replace("](../", "](") if text.is_file() else ""
    said = _FIGURES.sub(lambda found: found[0] if facts["sha256"].startswith(found[1]) else "", said)
    rows = [(key, _cell(value)) for key, value in _rows(name, facts) if value]
    table = "\n".join(f"| {key} | {value} |" for key, value in rows)
    return f"## {name}\n\n{said}\n\n| | |\n|---|---|\n{table}"


def _rows(name: str, facts: dict[str, Any]) -> list[tuple[str, Any]]:
    metadata = load_weights(find_weights(name))[1]
    sampling = facts.get("sampling")
    return [
        ("draws", "torsions to begin with" if "torsion" in name else facts["kind"]),
        ("trained on", facts.get("data")),
        ("domain", _domain(name, metadata)),
        ("parameters", f"{facts['parameters']:,}" if facts.get("parameters") else None),
        ("samples seen in training", f"{metadata['samples_seen']:,}" if "samples_seen" in metadata else None),
        ("minutes of the last part of training", metadata.get("minutes")),
        (
            "sampled with",
            f"{sampling['solver']}, {len(sampling['lambdas'])} evaluations" if sampling else None,
        ),
        ("size of the file", f"{facts['megabytes']:.1f} MB"),
        ("made on", str(metadata.get("date", ""))[:10]),
        ("SHA-256", f"`{metadata['sha256']}`"),
        ("licence", "MIT"),
    ]


def _domain(name: str, metadata: dict[str, Any]) -> str | None:
    written = metadata.get("domain")
    domain = Domain.from_json(written) if isinstance(written, str) else shipped_domain(name)
    if domain is None:
        return None
    charges = ", ".join(f"{charge:+d}" if charge else "0" for charge in sorted(domain.charges))
    return (
        f"{', '.join(sorted(domain.elements))}; charges of atoms {charges}; at most {domain.num_heavy} heavy atoms; "
        f"{len(domain.surroundings):,} surroundings of bonds"
    )


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
