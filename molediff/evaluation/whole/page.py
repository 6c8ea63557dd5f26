"""The report on whole molecules as one HTML page, and its figures as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from molediff.evaluation.report.files import finite_or_none
from molediff.evaluation.report.html import document, section, table
from molediff.evaluation.report.text import markdown_table
from molediff.evaluation.whole.evaluate import WholeFigures

DATA = "QM9, molecules not trained on"

_HEAD = (
    "", "samples", "atoms stable, %", "molecules stable, %", "valid, %", "unique of valid, %", "novel of those, %",
    "V x U x N, %", "lengths W1, 0.01 Å", "angles W1, °", "dihedrals W1, °", "bond types, %", "FCD", "evaluations",
    "s a molecule",
)  # fmt: skip
_GRAPH_HEAD = (
    "", "graph valid, %", "unique of valid, %", "novel of those, %", "with a charge, %", "no shape, %", "other faults",
)  # fmt: skip
CHECKED_HEAD = (
    "", "looked at", "PoseBusters, %", "relaxed by GFN2-xTB", "relaxed, %", "bonds kept, %", "fall, kcal/mol",
    "RMSD, Å",
)  # fmt: skip


def whole_metrics(rows: Mapping[str, WholeFigures], protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Everything measured as plain numbers; shares are between 0 and 1."""
    return {
        "protocol": dict(protocol),
        "rows": {
            name: finite_or_none(
                {
                    **asdict(row),
                    "unstable": list(row.unstable[:50]),
                    "valid_unique_novel": row.valid_unique_novel,
                }
            )
            for name, row in rows.items()
        },
    }


def lookup_rows(rows: Mapping[str, WholeFigures]) -> list[list[str]]:
    """Cells of the table of the look-up protocol and of distributions."""
    return [
        [
            name,
            f"{row.num_samples:,}",
            *(
                f"{100 * share:.1f}"
                for share in (row.atom_stable, row.molecule_stable, row.valid, row.unique, row.novel)
            ),
            f"{100 * row.valid_unique_novel:.1f}",
            f"{row.lengths:.2f}",
            f"{row.angles:.2f}",
            f"{row.dihedrals:.2f}",
            f"{100 * row.bond_types:.1f}",
            "" if math.isnan(row.fcd) else f"{row.fcd:.3f}",
            f"{row.evaluations:.1f}" if row.evaluations else "",
            f"{row.seconds:.3f}" if row.seconds else "",
        ]
        for name, row in rows.items()
    ]


def graph_rows(rows: Mapping[str, WholeFigures]) -> list[list[str]]:
    """Cells of the table of graphs."""
    cells = []
    for name, row in rows.items():
        others = {fault: count for fault, count in row.faults.items() if fault != "shape"}
        cells.append(
            [
                name,
                *(
                    f"{100 * share:.1f}"
                    for share in (row.graph_valid, row.graph_unique, row.graph_novel, row.charged)
                ),
                f"{100 * row.faults.get('shape', 0) / row.num_samples:.1f}",
                ", ".join(f"{fault} {count}" for fault, count in sorted(others.items())),
            ]
        )
    return cells


def whole_text(rows: Mapping[str, WholeFigures], checked: Mapping[str, Sequence[str]] | None = None) -> str:
    """All tables in Markdown."""
    tables = [markdown_table(_HEAD, lookup_rows(rows)), markdown_table(_GRAPH_HEAD, graph_rows(rows))]
    if checked:
        cells = [[name, *found] for name, found in checked.items()]
        tables.append(markdown_table(CHECKED_HEAD, cells))
    return "\n\n".join(tables)


def whole_page(
    rows: Mapping[str, WholeFigures],
    protocol: Mapping[str, Any],
    pictures: Mapping[str, str],
    checked: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The whole page.

    Args:
        rows: figures by name.
        protocol: how they were measured.
        pictures: HTML by name: "film", "molecules", "unstable".
        checked: cells of PoseBusters and of GFN2-xTB by name (`CHECKED_HEAD`).
    """
    parts = [
        section(
            "A molecule being made",
            pictures.get("film", ""),
            "The graph is filled in; then it takes its shape.",
        ),
        section(
            "Bonds by distance, and distributions",
            table(_HEAD, lookup_rows(rows), (DATA,)),
            "The look-up of EDM sees distances alone; failures count. The row of data is the floor of W1. "
            "Bond types: total variation of how often each type is. FCD: of the graphs, by ChemNet.",
        ),
        section(
            "Graphs",
            table(_GRAPH_HEAD, graph_rows(rows), (DATA,)),
            "Validity, uniqueness and novelty of the graphs that were generated, without stereo.",
        ),
        *(
            [
                section(
                    "What does not see the look-up",
                    table(CHECKED_HEAD, [[name, *cells] for name, cells in checked.items()], (DATA,)),
                    "PoseBusters' checks of a molecule alone, and what GFN2-xTB makes of it: medians.",
                )
            ]
            if checked
            else []
        ),
        section("Molecules", pictures.get("molecules", ""), "The first ones that have a shape."),
        section(
            "Not stable",
            pictures.get("unstable", ""),
            "Molecules with a shape that the look-up does not call stable.",
        ),
    ]
    return document("Whole molecules", protocol, "".join(parts))


def first_lines(rows: Mapping[str, WholeFigures]) -> Sequence[str]:
    """A sentence for each row."""
    return [
        f"{name}: {100 * row.molecule_stable:.1f} % stable, {100 * row.valid:.1f} % valid, "
        f"W1 {row.lengths:.2f} x 0.01 A and {row.angles:.2f} degrees"
        for name, row in rows.items()
    ]
