"""Why RDKit cannot read a SMILES, in its own words, and what somebody may have meant by it."""

from __future__ import annotations

import re

from rdkit import Chem, rdBase

_SAID = re.compile(r"SMILES Parse Error: (?P<what>.+?) (?:while parsing|for input): ")
_PLACE = re.compile(r"around position (\d+)")
_REGISTRY_NUMBER = re.compile(r"\d{2,7}-\d\d-\d")
_LETTERS = re.compile(r"[a-z]{4,}")
_AROMATIC = frozenset("bcnops")


def fault_of(smiles: str) -> str:
    """What is wrong with a SMILES, such as " (extra open parentheses, at position 3)"; empty where that is not known.

    RDKit tells it to its log alone. What is caught of that is of this thread, and nothing is printed.
    """
    if not hasattr(rdBase, "CaptureErrorLog"):  # RDKit before 2026
        return ""
    with rdBase.CaptureErrorLog() as log:
        Chem.MolFromSmiles(smiles, sanitize=False)
    said, place = _SAID.search(log.messages), _PLACE.search(log.messages)
    words = [] if said is None else [said["what"]]
    words += [] if place is None else [f"at position {place[1]}"]
    return f" ({', '.join(words)})" if words else ""


def meant_by(text: str) -> str:
    """What a text that is no SMILES looks like, and what to give instead; empty if it looks like nothing else."""
    if ">" in text:
        return "; a reaction is not taken: give one molecule"
    if _REGISTRY_NUMBER.fullmatch(text):
        return "; registry numbers are not looked up: give the SMILES"
    runs = _LETTERS.findall(text.replace("Cl", "").replace("Br", ""))
    if any(set(run) - _AROMATIC for run in runs):
        return "; names are not looked up: give the SMILES"
    return ""
