"""The report on one's own molecules as one HTML page: a table that opens, sorts and searches, without a network."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from molediff.evaluation.conformers.inspection.findings import TITLES
from molediff.evaluation.conformers.inspection.inspect import (
    LEAST_STRAIN,
    SAME,
    STEREO,
    STRAIN_PER_ATOM,
    Inspection,
)
from molediff.evaluation.conformers.inspection.picture import formula_svg
from molediff.molecules.view.overlay import overlaid
from molediff.molecules.view.viewer import as_integers, bonds_of, chosen, viewer_script
from molediff.runtime.words import counted

# Coordinates take 1.7 bytes each when packed: these many keep a page of a hundred molecules well below 300 kB.
_COORDINATES = 60_000
_MOST_SHOWN = 30
GRAVE = ("failed", "stereo not as asked", TITLES["clash"], TITLES["bond_length"], TITLES["ring_fusion"])
"""Warnings after which a structure should not be used as it is."""
MILD = ("note", "alike", "distinct", "not measured")

_COLUMNS = (
    ("", "", ""),
    ("molecule", "", "left"),
    ("heavy atoms", "", ""),
    ("conformers", "", ""),
    ("energies within", "kcal/mol", ""),
    ("spread", "Å", ""),
    ("strain, median", "kcal/mol", ""),
    ("checks passed", "", ""),
    ("warnings", "", "left"),
)
_CSV = (
    "name", "smiles", "formula", "heavy_atoms", "conformers", "energy_method", "energy_range_kcal_per_mol",
    "spread_angstrom", "strain_median_kcal_per_mol", "strain_max_kcal_per_mol", "checks_passed", "warnings",
)  # fmt: skip
_FILTERS = (
    ("all", "all"), ("odd", "with warnings"), ("bad", "not to be used as they are"), ("fine", "without warnings"),
)  # fmt: skip


def page(inspections: Sequence[Inspection], title: str, protocol: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        inspections: one a molecule, in their order.
        title: heading.
        protocol: facts for below the heading.
    """
    chips = "".join(f"<span><b>{escape(k)}</b> {escape(str(v))}</span>" for k, v in protocol.items())
    head = "".join(_head(*column) for column in _COLUMNS)
    rows = "".join(_row(place, found) for place, found in enumerate(inspections))
    options = "".join(f'<option value="{kind}">{words}</option>' for kind, words in _FILTERS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_asset('page.css')}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><div class="chips">{chips}</div>{_tiles(inspections)}'
        '<div class="card"><div class="tools">'
        '<input id="search" type="search" placeholder="Search names, SMILES, warnings" aria-label="Search">'
        f'<select id="only" aria-label="Which molecules">{options}</select>'
        '<button id="csv" type="button">Save as CSV</button><span class="count" id="count"></span></div>'
        f'<div class="scroll"><table id="molecules"><thead><tr>{head}</tr></thead>'
        f'<tbody id="rows">{rows}</tbody></table></div></div>{_legend()}</main>'
        f'<script type="application/json" id="csv-head">{json.dumps(_CSV)}</script>'
        f'<script type="text/plain" id="packed">{_packed(inspections)}</script>'
        f"<script>{viewer_script()}</script><script>{_asset('page.js')}</script></body></html>\n"
    )


def _asset(name: str) -> str:
    return files("molediff.evaluation.conformers.inspection").joinpath(name).read_text("utf-8")


def _head(title: str, unit: str, side: str) -> str:
    if not title:
        return "<th></th>"
    small = f"<small>{escape(unit)}</small>" if unit else ""
    return f'<th class="{side}" scope="col"><button type="button">{escape(title)}{small}</button></th>'


def kind_of(found: Inspection) -> str:
    """ "bad" for what should not be used as it is, "odd" for other warnings, "fine" without any but mild ones."""
    titles = {title for title, _ in found.warnings}
    return "bad odd" if titles & set(GRAVE) else "odd" if titles - set(MILD) else "fine"


def _tiles(inspections: Sequence[Inspection]) -> str:
    kinds = [kind_of(found) for found in inspections]
    num = sum(found.num_conformers for found in inspections)
    passed = sum(int(found.passed.sum()) for found in inspections)
    facts = (
        (f"{len(inspections):,}", "molecules"),
        (f"{num:,}", "conformers"),
        (f"{passed / num:.1%}" if num else "–", "conformers that pass all checks"),
        (f"{sum('odd' in kind for kind in kinds):,}", "molecules with warnings"),
        (f"{sum('bad' in kind for kind in kinds):,}", "molecules not to be used as they are"),
    )
    return '<div class="tiles">' + "".join(
        f'<div class="tile"><b>{number}</b><span>{words}</span></div>' for number, words in facts
    ) + "</div>"  # fmt: skip


def _row(place: int, found: Inspection) -> str:
    own, num = found.own, found.num_conformers
    heavy = own.mol.GetNumHeavyAtoms() if own.mol is not None else float("nan")
    extent, median = _largest(found.energies), _median(found.strain)
    passed = int(found.passed.sum())
    asked = f" of {own.num_requested}" if own.num_requested is not None and num < own.num_requested else ""
    cells = (
        _number(heavy, 0),
        f'<td data-v="{num}">{num}{asked}</td>',
        _number(extent, 1),
        _number(found.spread, 2),
        _number(median, 1),
        f'<td data-v="{passed / num if num else ""}">{passed} of {num}</td>'
        if num
        else '<td data-v="">–</td>',
    )
    tags = "".join(f'<span class="tag{_shade(title)}">{escape(title)}</span>' for title, _ in found.warnings)
    words = "; ".join(f"{title}: {text}" for title, text in found.warnings)
    numbers = [_plain(value) for value in (extent, found.spread, median, _largest(found.strain))]
    entries = [own.name, found.smiles, found.formula, _plain(heavy), num, found.energy_method, *numbers]
    csv = json.dumps([*entries, f"{passed}/{num}", words], ensure_ascii=False)
    name = escape(own.name) or "(no name)"
    return (
        f'<tr class="molecule" data-k="{place}" data-kind="all {kind_of(found)}" data-csv="{escape(csv)}">'
        f'<td class="picture"></td><td class="name"><button type="button" aria-expanded="false">{name}'
        f"</button><small>{escape(found.smiles)}</small></td>{''.join(cells)}"
        f'<td class="left" data-v="{len(found.warnings)}">{tags or _FINE}</td></tr>'
    )


_FINE = '<span class="tag good">none</span>'


def _shade(title: str) -> str:
    return " bad" if title in GRAVE else " plain" if title in MILD else ""


def _number(value: float, digits: int) -> str:
    if np.isnan(value):
        return '<td data-v="">–</td>'
    value = round(value, 4) + 0.0  # -0.0 becomes 0.0
    return f'<td data-v="{value:.4g}">{round(value, digits) + 0.0:.{digits}f}</td>'


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _largest(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")


def _median(values: np.ndarray) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def _packed(inspections: Sequence[Inspection]) -> str:
    """Pictures, coordinates and what opens under a row, compressed, as text."""
    atoms = sum(found.own.mol.GetNumAtoms() for found in inspections if found.own.mol is not None)
    most = max(1, min(_MOST_SHOWN, _COORDINATES // max(1, 3 * atoms)))
    molecules, coordinates = [], [np.zeros(0, dtype="<i2")]
    for found in inspections:
        details, x = _details(found, most)
        molecules.append(details)
        coordinates.append(x)
    text = json.dumps(molecules, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    content = text.encode("utf-8", "replace")
    halves = np.concatenate(coordinates).astype("<i2").view(np.uint8).reshape(-1, 2).T
    raw = len(content).to_bytes(4, "little") + content + np.ascontiguousarray(halves).tobytes()
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")


def _details(found: Inspection, most: int) -> tuple[dict[str, Any], np.ndarray]:
    own, mol, num = found.own, found.own.mol, found.num_conformers
    rows = chosen(num, None if np.isnan(found.energies).all() else found.energies, most)
    x = np.zeros(0, dtype="<i2")
    if mol is not None and num and found.smiles:
        ids = [conformer.GetId() for conformer in mol.GetConformers()]
        x = as_integers(overlaid(mol, [ids[row] for row in rows])).reshape(-1)
    method = f"{found.energy_method}, " if found.energy_method else ""
    facts = [("formula", found.formula), ("SMILES", found.smiles), *own.made]
    return {
        "svg": formula_svg(mol) if mol is not None else "",
        "elements": [atom.GetSymbol() for atom in mol.GetAtoms()] if mol is not None and len(x) else [],
        "bonds": bonds_of(mol) if mol is not None and len(x) else [],
        "num": len(x),
        "rows": rows,
        "labels": [_label(found, row, len(rows) < num) for row in rows],
        "more": f"{len(rows)} of {counted(num, 'conformer')} shown." if len(rows) < num else "",
        "energy_title": f"{method}kcal/mol",
        "conformers": [_conformer(found, row) for row in range(num)] if len(x) else [],
        "warnings": [list(warning) for warning in found.warnings],
        "findings": [[finding.text, _which(finding.conformers)] for finding in found.findings[:60]],
        "facts": [[name, text] for name, text in facts if text],
    }, x


def _label(found: Inspection, row: int, numbered: bool) -> str:
    energy = found.energies[row]
    words = [f"number {row + 1}"] if numbered else []
    return ", ".join([*words, *([] if np.isnan(energy) else [f"{energy:+.2f} kcal/mol"])])


def _conformer(found: Inspection, row: int) -> list[Any]:
    numbers = [_plain(values[row]) for values in (found.energies, found.weights, found.strain)]
    failed = [STEREO if sort == STEREO else TITLES[sort] for sort in found.failed_checks(row)]
    return [*numbers, ", ".join(dict.fromkeys(failed))]


def _which(conformers: Sequence[int]) -> str:
    shown = ", ".join(str(i + 1) for i in conformers[:8])
    more = f" and {len(conformers) - 8} more" if len(conformers) > 8 else ""
    return f"conformer{'s' if len(conformers) > 1 else ''} {shown}{more}"


def _legend() -> str:
    limit = f"{STRAIN_PER_ATOM} kcal/mol for each heavy atom and {LEAST_STRAIN:.0f} in all"
    return (
        '<details class="legend"><summary>What the columns mean</summary><p>'
        "Energies: those of the file or the generator, else of MMFF94s, each molecule above its own lowest conformer. "
        "Spread: mean heavy-atom RMSD of all pairs of conformers, after the best rotation and over symmetric atoms. "
        "Strain: energy of a conformer above the MMFF94s minimum that it relaxes to; a word of warning above "
        f"{limit}, which one in a hundred minima of quantum chemistry has. Checks: bonds, angles, planes, twists and "
        "contacts against the ranges that minima of quantum chemistry have, and the stereo that was asked for, where "
        f"the file says so (property SMILES). Alike: heavy-atom RMSD below {SAME} Å. Atoms are counted from 0, "
        "conformers from 1. Click a row to turn its conformers: drag to turn, wheel to zoom once clicked, arrow keys "
        "to switch.</p></details>"
    )
