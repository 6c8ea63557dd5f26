"""The report as one HTML page that opens without a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

from rdkit import Chem

from molediff.evaluation.conformers.drawing import aligned_copies, overlay_svg
from molediff.evaluation.conformers.evaluate import DATA_ROW, Evaluation
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.conformers.plots import all_plots, colours
from molediff.evaluation.conformers.results import MethodResult, MoleculeResult
from molediff.evaluation.conformers.summary import failing_fractions
from molediff.evaluation.conformers.table import best_methods, blocks, value
from molediff.evaluation.conformers.viewer import Overlay, viewer_html, viewer_script
from molediff.evaluation.report.html import document, section
from molediff.runtime.words import counted

_BEST_CELL = ' class="best"'
_FAIR = ("mat_recall_mean_solved_by_all", "mat_precision_mean_solved_by_all")

NUM_BEST, NUM_WORST = 6, 6
"""Molecules in the gallery."""


def page(evaluation: Evaluation, title: str = "Conformer validity report", viewer: bool = True) -> str:
    """The whole page.

    Args:
        evaluation: what to show.
        title: heading.
        viewer: include molecules that can be turned, for which Plotly's JavaScript (4.8 MB) goes into the page.
    """
    drawn = all_plots(evaluation)
    failing = {
        method.name: failing_fractions(method, evaluation.summaries[method.name], evaluation.metrics)
        for method in evaluation.methods
    }
    checks = _checks(drawn.pop("Checks failed", ""), failing)
    plots = {name: section(name, picture) for name, picture in drawn.items()}
    left = checks + plots.pop("Seconds a conformer", "")
    right = plots.pop("Strain energy", "")
    featured = next((method for method in evaluation.methods if not method.is_data), None)
    measured = {metric.measurement for metric in evaluation.metrics}
    molecules = _gallery(featured, viewer) if featured is not None and "rmsd" in measured else ""
    pair = f'<div class="pair"><div>{left}</div><div>{right}</div></div>'
    return document(
        title, evaluation.protocol, f"{_tables(evaluation)}{''.join(plots.values())}{pair}{molecules}"
    )


def _tables(evaluation: Evaluation) -> str:
    columns = blocks(evaluation)
    parts = [_table(evaluation, metrics) for metrics in columns if metrics]
    parts.append(_solved_by_all(evaluation))
    meanings = "".join(
        f"<dt>{escape(metric.group)}: {escape(metric.title)}</dt><dd>{escape(metric.meaning)}</dd>"
        for metrics in columns
        for metric in metrics
    )
    legend = f"<details><summary>What the columns mean</summary><dl>{meanings}</dl></details>"
    return f"<section><h2>Methods</h2>{''.join(parts)}{legend}</section>"


def _table(evaluation: Evaluation, columns: Sequence[Metric]) -> str:
    spans = [(group, len(list(members))) for group, members in groupby(columns, key=lambda m: m.group)]
    head = "".join(f'<th class="group" colspan="{count}">{escape(group)}</th>' for group, count in spans)
    titles = "".join(
        f'<th title="{escape(column.meaning)}">{escape(column.title)}'
        f"<small>{escape(column.unit) or '&nbsp;'}</small></th>"
        for column in columns
    )
    best = {column.key: best_methods(evaluation, column) for column in columns}
    colour = colours(evaluation)
    rows = []
    for name in evaluation.summaries:
        cells = "".join(
            f"<td{_BEST_CELL if name in best[column.key] else ''}>"
            f"{column.text(value(evaluation, name, column))}</td>"
            for column in columns
        )
        row_class = ' class="data"' if name == DATA_ROW else ""
        dot = f'<span class="dot" style="background:{colour[name]}"></span>'
        rows.append(f"<tr{row_class}><th>{dot}{escape(name)}</th>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr><th></th>{head}</tr><tr><th></th>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _solved_by_all(evaluation: Evaluation) -> str:
    """A line for the molecules on which every method has conformers: the only ones on which means compare fairly."""
    summaries = {name: summary for name, summary in evaluation.summaries.items() if name != DATA_ROW}
    needed = {"num_failed", "num_solved_by_all", *_FAIR}
    if not summaries or not needed <= next(iter(summaries.values())).keys():
        return ""
    if not any(summary["num_failed"] for summary in summaries.values()):
        return ""
    figures = "; ".join(
        f"{escape(name)} {' / '.join(f'{summary[key]:.3f}' for key in _FAIR)}"
        for name, summary in summaries.items()
    )
    number = int(next(iter(summaries.values()))["num_solved_by_all"])
    return (
        '<p class="note">Means of RMSD leave out a method\'s failed molecules, which tend to be the hard ones. On the '
        f"{counted(number, 'molecule')} that every method solved, best of n / mean of n in Å: {figures}.</p>"
    )


def _checks(plot: str, failing: dict[str, dict[str, float]]) -> str:
    """The plot of the checks that some conformer failed, and the names of the others."""
    names = dict.fromkeys(name for fractions in failing.values() for name in fractions)
    never = [name for name in names if not any(fractions.get(name) for fractions in failing.values())]
    note = (
        f'<p class="note">Failed by no conformer of any method: {escape(", ".join(never))}.</p>'
        if never
        else ""
    )
    return f"<section><h2>Checks failed</h2>{plot}{note}</section>"


def _gallery(method: MethodResult, viewer: bool) -> str:
    solved = sorted((molecule for molecule in method.molecules if not molecule.failed), key=lambda m: m.best)
    if not solved:
        return ""
    best = solved[: min(NUM_BEST, math.ceil(len(solved) / 2))]
    worst = solved[len(best) :][-NUM_WORST:][::-1]
    overlays = {id(molecule): _overlay(molecule) for molecule in best + worst}
    parts = [f"<section><h2>Molecules by {escape(method.name)}</h2>"]
    for heading, molecules in (("Nearest to the reference", best), ("Furthest from it", worst)):
        if molecules:
            cards = "".join(_card(molecule, overlays[id(molecule)]) for molecule in molecules)
            parts.append(f'<h3>{heading}</h3><div class="gallery">{cards}</div>')
    parts.append(
        '<p class="note">The best of the conformers of each molecule; violet: the reference geometry.</p>'
    )
    if viewer:
        script = f"<script>{viewer_script()}</script>"
        parts.append(f"<h3>Turn them</h3>{script}{viewer_html([overlays[id(m)] for m in worst + best])}")
    return "".join([*parts, "</section>"])


def _overlay(molecule: MoleculeResult) -> Overlay:
    row, column = divmod(int(molecule["rmsd"].argmin()), molecule.num_returned)
    reference_id = molecule.reference.GetConformers()[row].GetId()
    conformer_id = molecule.conformers.GetConformers()[column].GetId()
    pair = aligned_copies(molecule.reference, reference_id, molecule.conformers, conformer_id)
    return Overlay(f"{_smiles(molecule)}  ({molecule.best:.2f} Å)", *pair)


def _card(molecule: MoleculeResult, overlay: Overlay) -> str:
    count = f"{molecule.num_returned} of {counted(molecule.num_requested, 'conformer')}"
    return (
        f"<figure>{overlay_svg(overlay.reference, overlay.sample)}<figcaption><b>{molecule.best:.3f} Å</b>"
        f"{escape(_smiles(molecule))}<br>{count}</figcaption></figure>"
    )


def _smiles(molecule: MoleculeResult) -> str:
    return str(Chem.MolToSmiles(Chem.RemoveHs(molecule.reference)))
