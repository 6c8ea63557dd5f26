"""`molediff conformers --engine ray`: the same work by a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from molediff.molecules.files.export import ExportSummary
from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.jobs.ray_data import run_on_ray
from molediff.molecules.jobs.staging import ROWS
from molediff.molecules.jobs.work import Work


def run(
    inputs: Iterable[MoleculeInput],
    folder: str,
    work: Mapping[str, Any],
    settings: Mapping[str, Any],
    device: str | None,
    workers: int,
) -> ExportSummary:
    """Do all of it and count the rows.

    Args:
        inputs: read lazily.
        folder: of the run; its rows lie in the folder `rows`.
        work: weights, number, seed and largest size, see `Work`.
        settings: of `ConformerGenerator.generate_many`.
        device: see `Work`.
        workers: processes; 1 takes as many as there is room for.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ValueError: there are not as many processors, or the folder holds another run.
    """
    described = Work(**work, settings=settings, device=device)
    # Ray hides the GPUs of a machine from actors that have not asked for one.
    num_gpus = 1 if (device or "").startswith("cuda") else 0
    run_on_ray(inputs, folder, described, workers if workers > 1 else None, num_gpus=num_gpus)
    from pyarrow import parquet

    summary = ExportSummary()
    for file in sorted((Path(folder) / ROWS).glob("*.parquet")):
        for row in parquet.read_table(file, columns=["status", "num_conformers"]).to_pylist():
            summary.num_inputs[row["status"]] += 1
            summary.num_conformers += row["num_conformers"]
    return summary
