"""The table of methods and figures: what its columns are, and the table as plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from molediff.evaluation.conformers.evaluate import DATA_ROW, Evaluation


@dataclass(frozen=True)
class Column:
    """One figure of the table."""

    key: str
    group: str
    title: str
    unit: str
    digits: int
    better: Literal["low", "high", ""]
    """Which end is good; empty where neither is."""

    meaning: str
    of_data: bool = True
    """The figure means something for the reference geometries themselves."""

    def text(self, value: float) -> str:
        """The figure as shown, shares in percent."""
        if math.isnan(value):
            return "–"
        return f"{value * 100 if self.unit == '%' else value:.{self.digits}f}"


COLUMNS = (
    Column("num_failed", "success", "failed", "", 0, "low", "molecules for which not one conformer came back"),
    Column("returned", "success", "returned", "%", 1, "high", "conformers returned, of those asked for"),
    Column("mat_recall_mean", "RMSD to the reference", "best of n, mean", "Å", 3, "low",
           "heavy-atom RMSD of the nearest conformer (MAT-R), mean over molecules with conformers", False),
    Column("mat_recall_median", "RMSD to the reference", "best, median", "Å", 3, "low", "its median", False),
    Column("mat_precision_mean", "RMSD to the reference", "mean of n", "Å", 3, "low",
           "mean RMSD of all conformers to their nearest reference (MAT-P), over molecules with conformers", False),
    Column("cov_recall_0.5", "RMSD to the reference", "best < 0.5 Å", "%", 1, "high",
           "references that a conformer comes within 0.5 Å of (COV-R); failed molecules count as 0", False),
    Column("cov_recall_0.1", "RMSD to the reference", "best < 0.1 Å", "%", 1, "high", "the same at 0.1 Å", False),
    Column("cov_precision_0.5", "RMSD to the reference", "all < 0.5 Å", "%", 1, "high",
           "conformers within 0.5 Å of a reference (COV-P), of those asked for", False),
    Column("diversity", "RMSD to the reference", "diversity", "Å", 3, "",
           "mean RMSD between the conformers of a molecule", False),
    Column("connectivity", "checks passed", "bonds", "%", 1, "high",
           "conformers whose bonds, perceived from coordinates alone, are those of the graph, of those asked for"),
    Column("stereo", "checks passed", "stereo", "%", 1, "high",
           "conformers with the R/S and E/Z asked for, of those asked for"),
    Column("clash_free", "checks passed", "no clash", "%", 1, "high",
           "conformers without atoms three or more bonds apart below 0.65 of their radii's sum, of those asked for"),
    Column("plausible", "checks passed", "PoseBusters", "%", 1, "high",
           "conformers that pass all of PoseBusters' checks of a molecule, of those asked for and looked at"),
    Column("bond_lengths_distance", "bond lengths", "distance", "Å", 4, "low",
           "Wasserstein distance from the reference geometries of the same molecules, mean over kinds of bond", False),
    Column("bond_lengths_outside", "bond lengths", "unusual", "%", 2, "low",
           "bonds outside the data's 0.1–99.9 % range of their kind; 0.2 % is expected of fresh data"),
    Column("bond_angles_distance", "bond angles", "distance", "°", 3, "low", "the same for angles", False),
    Column("bond_angles_outside", "bond angles", "unusual", "%", 2, "low", "the same for angles"),
    Column("ring_planarity_distance", "rings", "distance", "Å", 4, "low",
           "the same for the largest distance of a ring atom from the ring's plane", False),
    Column("ring_planarity_outside", "rings", "unusual", "%", 2, "low", "the same for that distance"),
    Column("strain_median", "energy", "strain", "kcal/mol", 2, "",
           "energy above the MMFF94s minimum nearby, median over conformers; the data's own figure is the goal"),
    Column("seconds_per_conformer", "seconds a conformer", "wall", "s", 4, "low",
           "wall time of the method, failures included, for each conformer returned", False),
    Column("processor_seconds_per_conformer", "seconds a conformer", "processor", "s", 4, "low",
           "the same in processor time of all threads, which other work on the machine does not lengthen", False),
)  # fmt: skip


def value(evaluation: Evaluation, method: str, column: Column) -> float:
    """The figure of a method; NaN where it means nothing."""
    if method == DATA_ROW and not column.of_data:
        return math.nan
    return evaluation.summaries[method][column.key]


def best_methods(evaluation: Evaluation, column: Column) -> set[str]:
    """Methods whose figure, as shown, is the best of all but the data row."""
    if not column.better:
        return set()
    figures = {
        name: float(column.text(figure))
        for name in evaluation.summaries
        if name != DATA_ROW and not math.isnan(figure := value(evaluation, name, column))
    }
    if len(figures) < 2:
        return set()
    best = min(figures.values()) if column.better == "low" else max(figures.values())
    return {name for name, figure in figures.items() if figure == best}


def text_table(evaluation: Evaluation) -> str:
    """The table for a terminal: methods in rows, a block of columns for accuracy and one for validity."""
    accuracy = [
        column
        for column in COLUMNS
        if column.group in ("success", "RMSD to the reference", "seconds a conformer")
    ]
    validity = [column for column in COLUMNS if column not in accuracy]
    blocks = [_block(evaluation, columns) for columns in (accuracy, validity)]
    return "\n\n".join([*blocks, protocol_line(evaluation.protocol)])


def protocol_line(protocol: dict[str, Any]) -> str:
    """How it was measured, in one line."""
    return "; ".join(f"{name}: {setting}" for name, setting in protocol.items())


def _block(evaluation: Evaluation, columns: Sequence[Column]) -> str:
    groups, previous = [], ""
    for column in columns:
        groups.append(column.group if column.group != previous else "")
        previous = column.group
    titles = [column.title for column in columns]
    units = [column.unit for column in columns]
    rows = [
        [name, *(column.text(value(evaluation, name, column)) for column in columns)]
        for name in evaluation.summaries
    ]
    widths = [
        max(len(row[index]) for row in [["", *titles], ["", *units], *rows])
        for index in range(len(columns) + 1)
    ]
    lines = [_group_line(groups, widths)]
    for row in [["", *titles], ["", *units], *rows]:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(3, "-" * max(len(line) for line in lines))
    return "\n".join(lines)


def _group_line(groups: Sequence[str], widths: Sequence[int]) -> str:
    """Names of the groups, each above its first column and running on over those that follow."""
    line, end = "", widths[0]
    for group, width in zip(groups, widths[1:], strict=True):
        if group:
            line = line.ljust(end + 2) + group
        end += 2 + width
    return line
