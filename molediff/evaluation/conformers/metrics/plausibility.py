"""How many conformers PoseBusters' checks of a molecule without a protein pass."""

from __future__ import annotations

from collections.abc import Sequence

from molediff.evaluation.conformers.metrics.metric import mean
from molediff.evaluation.conformers.results import Comparison


def plausible_fraction(values: Sequence[list[dict[str, bool]]], comparison: Comparison) -> float:
    """Of the conformers asked for and looked at, those that pass all checks, mean over molecules."""
    return mean(
        sum(all(checks.values()) for checks in value) / molecule.num_plausibility_requested
        for value, molecule in zip(values, comparison.molecules, strict=True)
        if molecule.num_plausibility_requested
    )
