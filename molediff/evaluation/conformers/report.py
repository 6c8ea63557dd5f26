"""Write what was measured: `metrics.json` for machines, `report.html` for people."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from rdkit import Chem

from molediff.evaluation.conformers.evaluate import Evaluation
from molediff.evaluation.conformers.page import page
from molediff.evaluation.conformers.results import MoleculeResult
from molediff.evaluation.conformers.summary import plausibility_shares
from molediff.evaluation.conformers.table import COLUMNS
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
    """Everything measured as plain numbers and texts; None where there is no figure. Shares are between 0 and 1."""
    return {
        "protocol": evaluation.protocol,
        "meanings": {column.key: f"{column.meaning} [{column.unit or 'count'}]" for column in COLUMNS},
        "methods": {
            method.name: {
                **{key: _number(figure) for key, figure in evaluation.summaries[method.name].items()},
                "posebusters": plausibility_shares(method),
                "molecules": [_molecule(molecule) for molecule in method.molecules],
            }
            for method in evaluation.methods
        },
    }


def _molecule(molecule: MoleculeResult) -> dict[str, Any]:
    return {
        "smiles": Chem.MolToSmiles(Chem.RemoveHs(molecule.reference)),
        "num_requested": molecule.num_requested,
        "num_returned": molecule.num_returned,
        "seconds": molecule.seconds,
        "processor_seconds": molecule.processor_seconds,
        "rmsd": molecule.rmsd.round(4).tolist(),
        "connectivity": molecule.connectivity.tolist(),
        "stereo": molecule.stereo.tolist(),
        "clash_free": molecule.clash_free.tolist(),
        "strain": [_number(round(float(energy), 3)) for energy in molecule.strain],
        "diversity": _number(molecule.diversity),
    }


def _number(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None
