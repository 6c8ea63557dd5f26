"""Our conformers and those of RDKit against reference ensembles: every row of the benchmark, its table and pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from rdkit.Chem import Mol

from molediff.evaluation.conformers.baselines import etkdg, etkdg_mmff
from molediff.evaluation.conformers.benchmark.embedding_failures import (
    find_failures,
    measure_embedding_failures,
)
from molediff.evaluation.conformers.benchmark.plots import coverage_figure, evaluations_figure, seconds_figure
from molediff.evaluation.conformers.benchmark.rows import (
    Contender,
    Row,
    RowStore,
    draws_of_references,
    measure_row,
)
from molediff.evaluation.conformers.benchmark.table import text_table
from molediff.evaluation.conformers.generated import Generated
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.report.files import finite_or_none, write_figure
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.energies.aimnet2_model import find_model
from molediff.molecules.energies.xtb import require_tblite
from molediff.molecules.generator import ConformerGenerator
from molediff.networks.pretrained import find_weights
from molediff.runtime.files import complete_file
from molediff.runtime.words import counted
from molediff.sampling.evaluations import count_evaluations, steps_within
from molediff.sampling.options import make_solver

# Of a row, in the JSON; every distance of every conformer is in the row's own file.
_KEPT = ("name", "kind", "solver", "num_evaluations", "figures")


def measure(
    folder: str,
    references: str,
    num_molecules: int | None,
    weights: str,
    students: Sequence[str],
    seed: int,
    max_attempts: int,
    evaluations: Sequence[int],
    solvers: dict[str, dict[str, Any]],
    relaxed: Sequence[int],
    shown: Sequence[int],
    strain: dict[str, int],
    hard: dict[str, int],
    root: str,
    progress: bool,
) -> dict[str, Any]:
    """Run what `configs/benchmark/conformers.yaml` asks for: a table, pictures, and the figures."""
    torch.set_num_threads(1)
    mols = read_references(references)[:num_molecules]
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    generator.generate(mols[0], 1, seed)  # warm up
    methods = _strain_methods() if strain["num_molecules"] else []
    shared = {
        "references": digest(references),
        "num_molecules": len(mols),
        "seed": seed,
        "strain": {**strain, "methods": methods},
    }
    store = RowStore(Path(folder) / "rows", shared)
    run_id = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    ours = Ours(generator, digest(find_weights(weights)), mols, seed, solvers, max_attempts)
    contenders = [*baselines(mols, seed), *ours.contenders(evaluations, relaxed)]
    contenders += [student(name, mols, seed, max_attempts) for name in students]
    rows = []
    for contender in contenders:
        row = store.load(contender)
        if row is None:
            row = measure_row(
                contender,
                mols,
                seed,
                run_id,
                strain["num_molecules"],
                strain["num_conformers"],
                progress,
                methods,
            )
            store.save(contender, row)
        rows.append(row)
        print(text_table([row]).splitlines()[3], flush=True)
    table = text_table(rows)
    num_references = sum(mol.GetNumConformers() for mol in mols)
    print(
        f"\n{counted(len(mols), 'molecule')}, {counted(num_references, 'reference')}, {references}\n{table}"
    )
    with complete_file(Path(folder) / "table.txt") as file:
        file.write(table + "\n")
    names = [ours.name(next(iter(solvers)), number) for number in shown]
    draw(rows, Path(folder), names + [row.name for row in rows if row.solver in map(student_name, students)])
    found = measure_hard(ours, root, seed, progress, **hard) if hard["num_scanned"] else None
    return {
        "num_references": num_references,
        "rows": [finite_or_none({key: getattr(row, key) for key in _KEPT}) for row in rows],
        "hard": found,
    }


def _strain_methods() -> list[str]:
    """Those that are installed; about the others a line is printed."""
    found = []
    for method, check in (("gfn2", require_tblite), ("aimnet2", find_model)):
        try:
            check()
            found.append(method)
        except (ImportError, OSError) as error:
            print(f"without this strain: {error}")
    return found


def digest(path: str | Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def baselines(mols: Sequence[Mol], seed: int) -> list[Contender]:
    """The data themselves, what a perfect sampler would return, and RDKit."""
    return [
        Contender("reference ensembles", "data", list(mols)),
        Contender(
            "2K draws of the references",
            "data",
            iter([draws_of_references(mol, (seed, place)) for place, mol in enumerate(mols)]),
        ),
        Contender("ETKDGv3", "rdkit", etkdg),
        Contender("ETKDGv3 + MMFF94s", "rdkit", etkdg_mmff),
    ]


class Ours:
    """Our generator with each solver and number of evaluations.

    Args:
        generator: with its weights, whose SHA-256 is `weights`.
        mols: the references.
        seed: of the random numbers.
        solvers, max_attempts: see `configs/benchmark/conformers.yaml`.
    """

    def __init__(
        self,
        generator: ConformerGenerator,
        weights: str,
        mols: Sequence[Mol],
        seed: int,
        solvers: dict[str, dict[str, Any]],
        max_attempts: int,
    ) -> None:
        self.generator, self.weights, self.mols, self.seed = generator, weights, mols, seed
        self.solvers, self.max_attempts = solvers, max_attempts

    @staticmethod
    def name(solver: str, evaluations: int, relaxed: bool = False) -> str:
        """Of the row."""
        return f"molediff {solver}, {evaluations}{' + MMFF94s' if relaxed else ''}"

    def contenders(self, evaluations: Sequence[int], relaxed: Sequence[int]) -> Iterator[Contender]:
        """All rows: every solver at every number of evaluations, then the first solver with the force field."""
        first = next(iter(self.solvers))
        for solver, settings in self.solvers.items():
            done = set()
            for wanted in settings.get("evaluations", evaluations):
                options, spent = self.options(solver, wanted)
                if spent not in done:  # Heun has no two evaluations
                    done.add(spent)
                    yield self.contender(solver, spent, options)
        for wanted in relaxed:
            options, spent = self.options(first, wanted)
            yield self.contender(first, spent, {**options, "relax": "mmff"})

    def contender(self, solver: str, evaluations: int, options: dict[str, Any]) -> Contender:
        """One row."""
        options = {**options, "max_attempts": self.max_attempts}
        method = Generated(self.generator, self.mols, None, self.seed, **options)
        with_field = "relax" in options
        return Contender(
            self.name(solver, evaluations, with_field),
            "relaxed" if with_field else "ours",
            method,
            solver,
            evaluations,
            {"weights": self.weights, **{key: str(value) for key, value in options.items()}},
            lambda: method.wrong_stereo,
        )

    def options(self, solver: str, evaluations: int) -> tuple[dict[str, Any], int]:
        """Options of the generator for at most so many evaluations a sample, and how many these are."""
        settings = self.solvers[solver]
        made = make_solver(settings["solver"], None)
        grid, path = settings["grid"], self.generator.model.path
        steps, spent = steps_within(made, grid, path, evaluations)
        return {"solver": made, "num_steps": steps, "grid": grid}, spent


def student_name(weights: str) -> str:
    """What a student is called in the table and the pictures."""
    return Path(weights).stem


def student(weights: str, mols: Sequence[Mol], seed: int, max_attempts: int) -> Contender:
    """The row of other weights, sampled as they are meant to be."""
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    generator.generate(mols[0], 1, seed)  # warm up
    plan, name = generator.plan, student_name(weights)
    method = Generated(generator, mols, None, seed, max_attempts=max_attempts)
    made = make_solver(plan.solver, None)
    spent = count_evaluations(made, plan.grid, generator.model.path, plan.num_steps)
    settings = {
        "weights": digest(find_weights(weights)),
        "plan": str(plan),
        "max_attempts": str(max_attempts),
    }
    return Contender(
        f"molediff {name}, {spent}", "ours", method, name, spent, settings, lambda: method.wrong_stereo
    )


def draw(rows: Sequence[Row], folder: Path, shown: Sequence[str]) -> None:
    """Write the pictures."""
    chosen = [row for row in rows if row.kind != "ours" or row.name in shown]
    # What returns a few of the samples asked for does so for the easiest molecules: its distances say nothing.
    sound = [
        row for row in rows if row.figures["returned_pooled"] >= 0.5 and row.name != "reference ensembles"
    ]
    figures = {
        "coverage": coverage_figure([row for row in chosen if row.name != "reference ensembles"]),
        "evaluations": evaluations_figure(sound),
        "seconds": seconds_figure(sound),
    }
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        write_figure(figure, path, dpi=150)
        print(path)


def measure_hard(
    ours: Ours,
    root: str,
    seed: int,
    progress: bool,
    num_scanned: int,
    num_conformers: int,
    evaluations: int,
) -> dict[str, Any]:
    """Success on the first molecules of QM9's test split, and on those of them that ETKDGv3 cannot embed."""
    mols = load_qm9(root, progress=progress).mols("test", range(num_scanned))
    settings, spent = ours.options(next(iter(ours.solvers)), evaluations)
    options = {**settings, "max_attempts": 5}  # as the generator does unasked
    ours_of_all = Generated(ours.generator, mols, 1, seed, **options)
    num_failed = sum(mol is None or not mol.GetNumConformers() for mol in ours_of_all)
    hard = [mols[place] for place in find_failures(mols, seed)]
    print(
        f"\n{num_scanned} test molecules, one conformer each: ETKDGv3 fails on {len(hard)}, molediff with {spent} "
        f"evaluations on {num_failed} ({ours_of_all.tally})"
    )
    found: dict[str, Any] = {
        "num_scanned": num_scanned,
        "evaluations": spent,
        "num_failed": num_failed,
        "num_failed_etkdg": len(hard),
    }
    if hard:
        samples = Generated(ours.generator, hard, num_conformers, seed, **options)
        result = measure_embedding_failures(hard, samples, num_conformers, seed)
        print(
            f"of the {len(hard)} it makes conformers of {result.num_solved}, the nearest of {num_conformers} "
            f"{result.best_rmsd:.3f} A from QM9's geometry (median)"
        )
        found["hard"] = asdict(result)
    plain: dict[str, Any] = json.loads(json.dumps(finite_or_none(found)))
    return plain
