"""The benchmark of conformers as a plain table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from molediff.evaluation.conformers.benchmark.rows import Row


class Figure(NamedTuple):
    """A column: key in the figures of a row, title, factor and digits."""

    key: str
    title: str
    factor: float
    digits: int


COLUMNS = (
    *(Figure(f"cov_recall_{t}_mean", f"COV-R {t}", 100, 1) for t in (0.5, 0.1, 0.05)),
    *(Figure(f"mat_recall_{average}", f"MAT-R {average}", 1, 3) for average in ("mean", "median")),
    *(Figure(f"cov_precision_{t}_mean", f"COV-P {t}", 100, 1) for t in (0.5, 0.1, 0.05)),
    *(Figure(f"mat_precision_{average}", f"MAT-P {average}", 1, 3) for average in ("mean", "median")),
    Figure("num_failed", "failed", 1, 0),
    Figure("returned", "returned %", 100, 1),
    Figure("wrong_stereo_drawn", "wrong stereo %", 100, 2),
    Figure("xtb_strain_median", "strain", 1, 2),
    Figure("xtb_moved_median", "moved", 1, 3),
    Figure("seconds_per_conformer", "ms", 1000, 2),
)

LEGEND = (
    "COV in %, MAT and moved in A, means over molecules unless said; failed molecules count as COV 0 and are left out "
    "of MAT. Wrong stereo: before any sample was reflected or rejected. Strain (kcal/mol) and moved: medians, by "
    "relaxation in GFN2-xTB. ms: processor time of one thread for a conformer returned."
)


def text_table(rows: Sequence[Row]) -> str:
    """Rows of the benchmark for a terminal, with the legend."""
    cells = [["method", "evaluations", *(column.title for column in COLUMNS)]]
    for row in rows:
        evaluations = "" if row.num_evaluations is None else f"{row.num_evaluations:g}"
        cells.append([row.name, evaluations, *(_text(row, column) for column in COLUMNS)])
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    run_ids = {row.run_id for row in rows if row.kind != "data"}
    caution = (
        []
        if len(run_ids) < 2
        else [f"The rows come from {len(run_ids)} runs: times compare only within one."]
    )
    return "\n".join([*lines, "", LEGEND, *caution])


def _text(row: Row, column: Figure) -> str:
    value = row.figures[column.key]
    return "-" if math.isnan(value) else f"{column.factor * value:.{column.digits}f}"
