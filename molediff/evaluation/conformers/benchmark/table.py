"""The benchmark of conformers as a plain table."""

from __future__ import annotations

from collections.abc import Sequence

from molediff.evaluation.conformers.benchmark.metrics import BENCHMARK_METRICS
from molediff.evaluation.conformers.benchmark.rows import Row
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.report.text import text_table as columns_of_text

LEGEND = (
    "COV, MAT and moved: means over molecules unless said; failed molecules count as COV 0 and are left out of MAT. "
    "Wrong stereo: before any sample was reflected or rejected. Strain and moved: medians, by relaxation in GFN2-xTB, "
    "and the strain in AIMNet2 likewise. "
    "Time: of one thread, by the processor's clock, for a conformer returned."
)


def text_table(
    rows: Sequence[Row], metrics: Sequence[Metric] = BENCHMARK_METRICS, legend: str = LEGEND
) -> str:
    """Rows of a benchmark for a terminal, with what its columns mean."""
    shown = [metric for metric in metrics if metric.in_table]
    table = columns_of_text(
        ["method", "evaluations", *(metric.title for metric in shown)],
        [line(row, metrics) for row in rows],
        units=["", "", *(metric.unit for metric in shown)],
    )
    run_ids = {row.run_id for row in rows if row.kind != "data"}
    caution = (
        []
        if len(run_ids) < 2
        else [f"The rows come from {len(run_ids)} runs: times compare only within one."]
    )
    return "\n".join([table, "", legend, *caution])


def line(row: Row, metrics: Sequence[Metric] = BENCHMARK_METRICS) -> list[str]:
    """Name, evaluations and figures of one row, as shown."""
    evaluations = "" if row.num_evaluations is None else f"{row.num_evaluations:g}"
    return [
        row.name,
        evaluations,
        *(metric.text(row.figures[metric.key]) for metric in metrics if metric.in_table),
    ]
