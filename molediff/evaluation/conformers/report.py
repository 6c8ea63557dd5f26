"""Write what was measured: `metrics.json` for machines, `report.html` for people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.evaluation.conformers.evaluate import Evaluation
from molediff.evaluation.conformers.page import page
from molediff.evaluation.conformers.results import MoleculeResult
from molediff.evaluation.conformers.summary import plausibility_fractions
from molediff.evaluation.report.files import finite_or_none
from molediff.evaluation.report.html import write_files


def write_report(
    evaluation: Evaluation,
    folder: str | os.PathLike[str],
    title: str = "Conformer validity report",
    viewer: bool = True,
) -> tuple[Path, Path]:
    """Write `metrics.json` and `report.html` into `folder`, each whole or not at all.

    Args:
        evaluation: from `evaluate_methods`.
        folder: made if missing.
        title: heading of the page.
        viewer: include molecules that can be turned, which makes the page 5 MB instead of 0.5.

    Returns:
        The paths of the two files.

    Raises:
        OSError: the folder cannot be written.
    """
    return write_files(folder, metrics(evaluation), page(evaluation, title, viewer))


def metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Everything measured as plain numbers and texts; None where there is no figure. Fractions are between 0 and 1."""
    meanings = {metric.key: f"{metric.meaning} [{metric.unit or 'count'}]" for metric in evaluation.metrics}
    written: dict[str, Any] = finite_or_none(
        {
            "protocol": evaluation.protocol,
            "meanings": meanings,
            "methods": {
                method.name: {
                    **evaluation.summaries[method.name],
                    "posebusters": plausibility_fractions(method),
                    "molecules": [_molecule(molecule) for molecule in method.molecules],
                }
                for method in evaluation.methods
            },
        }
    )
    return written


def _molecule(molecule: MoleculeResult) -> dict[str, Any]:
    return {
        "smiles": Chem.MolToSmiles(Chem.RemoveHs(molecule.reference)),
        "num_requested": molecule.num_requested,
        "num_returned": molecule.num_returned,
        "seconds": molecule.seconds,
        "processor_seconds": molecule.processor_seconds,
        **{name: _plain(value) for name, value in molecule.values.items() if _is_plain(value)},
    }


def _is_plain(value: object) -> bool:
    """A number or numbers by conformer; what is neither is shown by its own plot, if at all."""
    return isinstance(value, np.ndarray | np.generic | int | float) and np.asarray(value).dtype.kind in "biuf"


def _plain(value: Any) -> Any:
    """A number or an array as JSON has it, to four digits after the point."""
    array = np.asarray(value)
    return (array.round(4) if array.dtype.kind == "f" else array).tolist()
