"""What a conformer costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from molediff.evaluation.conformers.results import Comparison


def wall_seconds(values: Sequence[Any], comparison: Comparison) -> float:
    """Wall time of all molecules, failures included, for each conformer that came back."""
    return _per_conformer(comparison, [molecule.seconds for molecule in comparison.molecules])


def processor_seconds(values: Sequence[Any], comparison: Comparison) -> float:
    """The same in processor time of all threads, which other work on the machine does not lengthen."""
    return _per_conformer(comparison, [molecule.processor_seconds for molecule in comparison.molecules])


def _per_conformer(comparison: Comparison, seconds: Sequence[float | None]) -> float:
    """NaN where no time was taken."""
    timed = [
        (molecule.num_returned, time)
        for molecule, time in zip(comparison.molecules, seconds, strict=True)
        if time is not None
    ]
    returned = sum(count for count, _ in timed)
    return sum(time for _, time in timed) / returned if returned else float("nan")
