"""The viewer of conformers: what it shows, as HTML for a notebook or a page of its own."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.molecules.files.records import Drawn
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.view.overlay import overlaid
from molediff.runtime.files import complete_file
from molediff.runtime.words import counted

MAX_SHOWN = 50
"""Conformers in one viewer: more cannot be told apart."""

_FARTHEST = 327.0  # Angstrom: what 16 bits hold
_FRAME = "border:1px solid #e3e6eb;border-radius:10px;background:#fff;color:#1d2129;overflow:hidden;max-width:720px"
_FONT = "font:14px/1.45 system-ui,'Segoe UI','DejaVu Sans',sans-serif"
_SMALL = "padding:0 14px 8px;font-size:12.5px;color:#69707d"
_COLOURS = {"ok": "#0c7a53", "partial": "#a15c00", "failed": "#b3261e"}


class View:
    """Conformers that can be turned, overlaid on their heavy atoms, one in front at a time.

    In a notebook it shows itself; `save` writes a page. It needs no network and no further package: the script, 11 kB,
    goes with every output, so that each works by itself.

    Args:
        result: a result of a generator, or a Mol with conformers.
        labels: a few words on each conformer; None: its energy above the lowest, where that is known.
        height: of the picture in pixels.

    Raises:
        TypeError: it is something else.
    """

    def __init__(
        self,
        result: Drawn | Chem.Mol,
        labels: Sequence[str] | None = None,
        height: int = 320,
    ) -> None:
        if not isinstance(result, Drawn | Chem.Mol):
            raise TypeError(
                "View takes one result of a generator, or one Mol with conformers, such as "
                f"View(generator.generate('CCO')); got {type(result).__name__}"
            )
        self._mol = result if isinstance(result, Chem.Mol) else result.mol
        self._num = 0 if self._mol is None else self._mol.GetNumConformers()
        self._head = "" if isinstance(result, Chem.Mol) else _head(result)
        energies = result.energies if isinstance(result, GenerationResult) else None
        known = energy_labels(result) if isinstance(result, GenerationResult) else []
        self._labels = known if labels is None else list(labels)
        self._rows = chosen(self._num, energies, MAX_SHOWN)
        self._height = height

    def to_html(self) -> str:
        """A piece of HTML with the viewer and its script, for any page."""
        return f'<div style="{_FRAME};{_FONT}">{self._head}{self._viewer()}</div>'

    def save(self, path: str | os.PathLike[str], title: str = "Conformers") -> None:
        """Write a page that opens offline; the file is there whole or not at all."""
        with complete_file(path) as file:
            file.write(
                f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
                f'<body style="margin:24px;background:#f6f7f9">{self.to_html()}</body></html>\n'
            )

    def _repr_html_(self) -> str:
        return self.to_html()

    def _viewer(self) -> str:
        if self._mol is None or self._num == 0:
            return ""
        data = {**viewer_data(self._mol, self._rows, self._labels), "height": self._height}
        text = escape(json.dumps(data, separators=(",", ":")))
        left_out = self._num - len(self._rows)
        note = (
            f'<div style="{_SMALL}">{counted(left_out, "more conformer")} not shown.</div>'
            if left_out
            else ""
        )
        return (
            f'<div class="molediff-view" data-molecule="{text}" style="min-height:{self._height}px">'
            '<p style="padding:10px 14px;margin:0;color:#69707d">The viewer needs JavaScript: trust this notebook, or '
            f"run the cell again.</p></div>{note}"
            f"<script>{viewer_script()}\nmolediff.mount(); setTimeout(molediff.mount, 300);</script>"
        )


def chosen(num: int, energies: np.ndarray | None, most: int) -> list[int]:
    """Which of `num` conformers are shown, at most `most`, in their order: the lowest, or the first ones."""
    if num <= most or energies is None:
        return list(range(min(num, most)))
    return sorted(np.argsort(energies, kind="stable")[:most].tolist())


def viewer_data(mol: Chem.Mol, rows: Sequence[int], labels: Sequence[str]) -> dict[str, Any]:
    """What the viewer's script takes, as JSON values; coordinates as text, 16-bit integers of 1/100 Angstrom.

    Args:
        mol: conformers.
        rows: positions of those to show.
        labels: a few words on each conformer of `mol`, or none.
    """
    ids = [conformer.GetId() for conformer in mol.GetConformers()]
    return {
        "elements": [atom.GetSymbol() for atom in mol.GetAtoms()],
        "bonds": bonds_of(mol),
        "labels": [labels[row] for row in rows] if labels else [],
        "x": base64.b64encode(as_integers(overlaid(mol, [ids[row] for row in rows])).tobytes()).decode(),
    }


def bonds_of(mol: Chem.Mol) -> list[list[int]]:
    """Both atoms and the order of every bond, 1, 2 or 3; aromatic ones in one of their Kekule forms."""
    plain = Chem.Mol(mol)
    Chem.Kekulize(plain, clearAromaticFlags=True)
    return [
        [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), int(bond.GetBondTypeAsDouble())]
        for bond in plain.GetBonds()
    ]


def as_integers(x: np.ndarray) -> np.ndarray:
    """Coordinates in 1/100 Angstrom, little-endian int16; what is not finite, or farther away than that, is cut."""
    kept = np.clip(np.nan_to_num(x, nan=0.0), -_FARTHEST, _FARTHEST)
    return np.round(100 * kept).astype("<i2")


@cache
def viewer_script() -> str:
    """The JavaScript of the viewer, which defines `molediff.view(element, data)`."""
    return files("molediff.molecules.view").joinpath("viewer.js").read_text("utf-8")


def energy_labels(result: GenerationResult) -> list[str]:
    """The energy of each conformer above the lowest, in words; empty without energies."""
    if result.energies is None:
        return []
    return [
        "energy not known" if np.isnan(energy) else f"{energy:+.2f} kcal/mol ({result.energy_method})"
        for energy in result.relative_energies
    ]


def _head(result: Drawn) -> str:
    facts = []
    if isinstance(result, GenerationResult):
        facts.append(f"{result.num_conformers} of {counted(result.num_requested, 'conformer')}")
        if result.energies is not None and np.isfinite(result.energies).any():
            facts.append(f"{result.energy_method} within {np.nanmax(result.relative_energies):.1f} kcal/mol")
    facts += [f"weights {result.provenance['weights']}"] if "weights" in result.provenance else []
    facts.append(f"seed {result.seed}")
    status = str(getattr(result, "status", ""))
    why = (
        f'<div style="font-size:12.5px;color:#a15c00">{escape(result.reason)}</div>' if result.reason else ""
    )
    return (
        '<div style="padding:10px 14px;border-bottom:1px solid #e3e6eb">'
        f'<b style="overflow-wrap:anywhere">{escape(result.smiles)}</b> '
        f'<span style="color:{_COLOURS.get(status, "inherit")};font-weight:600">{escape(status)}</span>'
        f'<div style="font-size:12.5px;color:#69707d">{escape(" · ".join(facts))}</div>{why}</div>'
    )
