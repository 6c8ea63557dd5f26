"""Small trainings that differ in one choice, each held against ensembles: what is a choice of the training worth?"""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from molediff.core.solvers import DPMSolverPP2M
from molediff.evaluation.conformers.benchmark.rows import Contender, measure_row
from molediff.evaluation.conformers.benchmark.run import digest
from molediff.evaluation.conformers.benchmark.training_table import training_table
from molediff.evaluation.conformers.generated import Generated
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.report.files import finite_or_none
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.files import complete_file
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted
from molediff.sampling.evaluations import steps_within

_VERSION = 2  # of what a row holds
_GRID = "central_lambda"

Train = Callable[[Sequence[str], Path], int]
"""Runs train.py with these words in a process of its own, its output appended to a log; returns its exit code."""


def measure(
    folder: str,
    references: str,
    num_molecules: int | None,
    seeds: Sequence[int],
    seed: int,
    evaluations: Sequence[int],
    common: Sequence[str],
    variants: Mapping[str, Sequence[str] | None],
    train: Train,
) -> dict[str, Any]:
    """Train and measure every variant that an earlier run has not, and write the table of all.

    Args:
        folder: a folder a run, and the table.
        references: file of reference ensembles.
        num_molecules: the first of them; None takes all.
        seeds: of the runs.
        seed: of the samples.
        evaluations: of the network, for one sample.
        common: words of train.py for every run.
        variants: by name, further words of each; None leaves a variant out.
        train: runs train.py.
    """
    mols = read_references(references)[:num_molecules]
    shared: dict[str, Any] = {
        "references": digest(references),
        "num_molecules": len(mols),
        "seed": seed,
        "evaluations": [*evaluations],
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for run_seed in seeds:
        for variant, more in variants.items():
            if more is None:
                continue
            run_dir = Path(folder, f"{variant.replace(' ', '_')}_{run_seed}")
            words = [*common, *more, f"seed={run_seed}"]
            settings = {**shared, "words": words, "version": _VERSION}
            row = _kept(run_dir / "row.json", settings)
            if row is None:
                seconds = run_training(run_dir, words, train)
                measured = measure_weights(run_dir, mols, seed, evaluations)
                row = finite_or_none({"processor_seconds": seconds, **measured})
                with complete_file(run_dir / "row.json") as file:
                    json.dump({"settings": settings, "row": row}, file)
            found.setdefault(variant, []).append(row)
            tqdm.write(training_table({variant: [row]}, evaluations).splitlines()[-1])
    table = training_table(found, evaluations)
    print(f"\n{counted(len(mols), 'molecule')}, {references}\n{table}")
    with complete_file(Path(folder) / "table.md") as file:
        file.write(table + "\n")
    return {"num_molecules": len(mols), "variants": found}


def _kept(path: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What an earlier run measured with these settings."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    row: dict[str, Any] = content["row"]
    return row if content["settings"] == settings else None


def run_training(run_dir: Path, words: Sequence[str], train: Train) -> float:
    """One run of train.py, or the rest of one that was killed; processor seconds of this part."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    log = run_dir / "train.log"
    run_dir.mkdir(parents=True, exist_ok=True)
    again = ["ckpt_path=last"] if (run_dir / "last.ckpt").exists() else []
    if train([*words, f"run_dir={run_dir}", *again], log):
        raise SystemExit(f"training in {run_dir} failed: see {log}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_weights(
    run_dir: Path, mols: Sequence[Any], seed: int, evaluations: Sequence[int]
) -> dict[str, Any]:
    """Figures of the benchmark of conformers at each number of evaluations, and the steps of the run."""
    torch.set_num_threads(1)
    generator = ConformerGenerator.from_pretrained(str(run_dir / "weights.safetensors"), device="cpu")
    figures = {}
    for wanted in evaluations:
        solver = DPMSolverPP2M()
        steps, spent = steps_within(solver, _GRID, generator.model.path, wanted)
        method = Generated(
            generator, mols, None, seed, solver=solver, num_steps=steps, grid=_GRID, max_attempts=1
        )
        contender = Contender(
            f"{run_dir.name}, {spent}", "ours", method, wrong_stereo=partial(getattr, method, "wrong_stereo")
        )
        figures[str(wanted)] = measure_row(contender, mols, seed, progress=False).figures
    return {"steps": generator.metadata["steps"], "figures": figures}
