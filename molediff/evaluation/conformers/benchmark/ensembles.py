"""`benchmark=ensembles`: conformers of drug-like molecules against all their minima, in place and in energy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from rdkit import rdBase
from rdkit.Chem import Mol

from molediff.evaluation.conformers.benchmark.crystal import CrystalMethod
from molediff.evaluation.conformers.benchmark.crystal_run import by_generator, identity, late, of_rivals
from molediff.evaluation.conformers.benchmark.ensemble_metrics import THRESHOLDS, ensemble_metrics
from molediff.evaluation.conformers.benchmark.plots import coverage_figure
from molediff.evaluation.conformers.benchmark.rows import Contender, Row, RowStore, measure_row
from molediff.evaluation.conformers.benchmark.run import digest
from molediff.evaluation.conformers.benchmark.table import text_table
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.report.files import finite_or_none, write_figure
from molediff.molecules.energies.aimnet2_model import find_model
from molediff.molecules.energies.xtb import require_tblite
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.files import complete_file
from molediff.runtime.words import counted

LEGEND = (
    "COV and MAT: means over molecules; what is not returned covers nothing, is near nothing, and is left out of MAT. "
    "Excess: above the lowest minimum known, median over the conformers looked at; lowest: of the lowest of these, "
    "median over molecules. Strain: above the minimum that relaxation leads to. "
    "Time: of one thread, by the processor's clock, for a conformer returned."
)


def measure(
    folder: str,
    references: str,
    num_molecules: int | None,
    most_conformers: int,
    rivals: Sequence[str],
    weights: str,
    ours: Mapping[str, Mapping[str, Any] | None],
    energies: Mapping[str, Any],
    seed: int,
    max_minutes: float | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Run what `configs/benchmark/ensembles.yaml` asks for: a table, a picture, and the figures.

    Raises:
        RuntimeError: the time was up before there was a row.
    """
    torch.set_num_threads(1)
    begun = time.monotonic()
    mols = read_references(references)[:num_molecules]
    method = _installed(energies["method"])
    metrics = ensemble_metrics(method, energies["num_conformers"])
    shared = {
        "references": digest(references),
        "num_molecules": len(mols),
        "most_conformers": most_conformers,
        "energies": {**energies, "method": method},
        "seed": seed,
    }
    store, run_id = RowStore(Path(folder) / "rows", shared), datetime.now(timezone.utc).isoformat()
    num_relaxed = 0 if method in (None, "mmff") else energies["num_relaxed"]
    rows = []
    for contender in contenders(rivals, weights, ours):
        row = store.load(contender)
        if row is None and late(begun, max_minutes):
            print(f"left out, as the time is up: {contender.name}", flush=True)
            continue
        if row is None:
            with rdBase.BlockLogs():
                row = measure_row(
                    contender,
                    mols,
                    seed,
                    run_id,
                    num_relaxed,
                    1,
                    progress,
                    [str(method)],
                    metrics,
                    most_conformers,
                )
            store.save(contender, row)
        rows.append(row)
        print(text_table([row], metrics).splitlines()[3], flush=True)
    if not rows:
        raise RuntimeError(f"no row was measured within max_minutes={max_minutes}: allow more.")
    return _written(rows, metrics, mols, folder, references)


def _written(
    rows: Sequence[Row], metrics: Sequence[Metric], mols: Sequence[Mol], folder: str, references: str
) -> dict[str, Any]:
    table = text_table(rows, metrics, LEGEND)
    num_references = sum(mol.GetNumConformers() for mol in mols)
    print(
        f"\n{counted(len(mols), 'molecule')}, {counted(num_references, 'reference')}, {references}\n{table}"
    )
    with complete_file(Path(folder) / "table.txt") as file:
        file.write(table + "\n")
    write_figure(coverage_figure(rows, THRESHOLDS, 2.0), Path(folder) / "ensembles.png", dpi=150)
    figures = [{"name": row.name, "run_id": row.run_id, **row.figures} for row in rows]
    found: dict[str, Any] = finite_or_none(
        {"num_molecules": len(mols), "num_references": num_references, "rows": figures}
    )
    with complete_file(Path(folder) / "figures.json") as file:
        json.dump(found, file, indent=1)
    return found


def _installed(method: str | None) -> str | None:
    """The method of energies, or None, which is said, if it is not installed."""
    try:
        if method == "aimnet2":
            find_model()
        if method == "gfn2":
            require_tblite()
    except (ImportError, OSError) as error:
        print(f"without energies: {error}", flush=True)
        return None
    return method


def contenders(
    rivals: Sequence[str], weights: str, ours: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[Contender]:
    """A row for each rival (`crystal_run.RIVALS`), and for each name of ours, whose settings are `generate_many`'s."""
    for rival in of_rivals(rivals):
        yield Contender(rival.name, "rdkit", _conformers_alone(rival.method))
    generator = ConformerGenerator.from_pretrained(weights, device="cpu") if ours else None
    for name, options in ours.items():
        if options is None or generator is None:
            continue
        yield Contender(
            f"molediff {Path(weights).stem}, {name}",
            "ours",
            _conformers_alone(by_generator(generator, dict(options))),
            num_evaluations=options.get("num_steps", generator.plan.num_steps),
            settings={
                **identity(weights, generator),
                "options": {key: str(value) for key, value in options.items()},
            },
        )


def _conformers_alone(method: CrystalMethod) -> Any:
    def conformers(mol: Mol, num_conformers: int, seed: int) -> Mol | None:
        try:
            return method(mol, num_conformers, seed)[0]
        except (RuntimeError, ArithmeticError):  # of a rival: its failure, not the end of the run
            return None

    return conformers
