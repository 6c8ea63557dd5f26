"""The benchmark of conformers: one row a method, measured by one protocol, written as soon as it is there."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rdkit.Chem import Mol

from molediff.evaluation.conformers.benchmark.metrics import BENCHMARK_METRICS, WRONG_STEREO_DRAWN
from molediff.evaluation.conformers.evaluate import Method, measure_method
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.conformers.results import Comparison, Limits
from molediff.evaluation.conformers.summary import summarize
from molediff.evaluation.report.files import finite_or_none
from molediff.runtime.files import complete_file

Kind = Literal["data", "rdkit", "ours", "relaxed"]

# What a row is measured by besides its own settings: rows of another version are measured again.
_VERSION = 5


@dataclass(frozen=True)
class Contender:
    """A method of the benchmark.

    Attributes:
        name: of the row.
        kind: the reference geometries themselves, RDKit, our generator, or ours with a force field after it.
        method: see `evaluate.Method`. It is asked for twice as many conformers as there are references.
        solver: of ours, for the curves; else empty.
        num_evaluations: network evaluations a sample; None without a network.
        settings: all that decides the row besides the references; a row of other settings is measured again.
        wrong_stereo: fraction of the samples with wrong stereo before any was reflected or rejected, asked when the
            method has run; None: what is returned is all there is.
    """

    name: str
    kind: Kind
    method: Method
    solver: str = ""
    num_evaluations: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    wrong_stereo: Callable[[], float] | None = None


@dataclass(frozen=True)
class Row:
    """What was measured of a method.

    Attributes:
        name, kind, solver, num_evaluations: as in `Contender`.
        figures: by key; NaN where there is nothing to average.
        recall: for each molecule the RMSD in Angstrom of each reference to the nearest sample.
        precision: for each molecule the RMSD of each sample to the nearest reference.
        num_requested: for each molecule the samples asked for.
        run_id: of the run that measured it; seconds compare only within one run.
    """

    name: str
    kind: Kind
    solver: str
    num_evaluations: float | None
    figures: dict[str, float]
    recall: list[list[float]]
    precision: list[list[float]]
    num_requested: list[int]
    run_id: str


def measure_row(
    contender: Contender,
    references: Sequence[Mol],
    seed: int,
    run_id: str = "",
    strain_molecules: int = 0,
    strain_conformers: int = 2,
    progress: bool = True,
    strain_methods: Sequence[str] = ("gfn2",),
    metrics: Sequence[Metric] = BENCHMARK_METRICS,
    most_conformers: int | None = None,
) -> Row:
    """Run a method once on all molecules, 2K samples of a molecule with K references, and measure what it returns.

    Args:
        contender: the method.
        references: molecules with explicit hydrogens, stereo, and their K reference conformers.
        seed: handed to the method, at least 1.
        run_id: see `Row`.
        strain_molecules: of so many molecules, evenly spread, conformers are relaxed; 0 for none.
        strain_conformers: of each of these, the first so many.
        progress: show a bar.
        strain_methods: by which: "gfn2", GFN2-xTB, and "aimnet2", AIMNet2.
        metrics: what is measured.
        most_conformers: asked of a molecule, where 2K would be more; None: any number.

    Raises:
        ValueError: the method returned another molecule, or ended early.
    """
    if contender.kind == "data" and isinstance(contender.method, Sequence):
        counts = [0 if mol is None else mol.GetNumConformers() for mol in contender.method]
    else:
        counts = [2 * mol.GetNumConformers() for mol in references]
        if most_conformers is not None:
            counts = [min(count, most_conformers) for count in counts]
    relaxed = set(np.linspace(0, len(references) - 1, strain_molecules).round().astype(int).tolist())
    by_gfn2, by_aimnet2 = (strain_conformers * (method in strain_methods) for method in ("gfn2", "aimnet2"))
    limits = [
        Limits(num_relaxed=by_gfn2, num_relaxed_by_aimnet2=by_aimnet2) if place in relaxed else Limits()
        for place in range(len(references))
    ]
    molecules = measure_method(
        contender.name, contender.method, references, counts, seed, metrics, limits, progress
    )
    if contender.kind == "data":  # drawing from a list is no method that one would time
        molecules = [replace(molecule, seconds=None, processor_seconds=None) for molecule in molecules]
    told = {WRONG_STEREO_DRAWN: contender.wrong_stereo()} if contender.wrong_stereo else {}
    matrices = [molecule["rmsd"] for molecule in molecules]
    return Row(
        contender.name,
        contender.kind,
        contender.solver,
        contender.num_evaluations,
        summarize(Comparison(molecules, told=told), metrics),
        [matrix.min(axis=1, initial=np.inf).round(5).tolist() for matrix in matrices],
        [matrix.min(axis=0).round(5).tolist() for matrix in matrices],
        counts,
        run_id,
    )


def draws_of_references(mol: Mol, seed: int | tuple[int, ...]) -> Mol:
    """2K draws of the K reference conformers with equal chances: what a perfect sampler of them would return.

    It covers a fraction of 1 - (1 - 1/K)^2K of them, 75 % of two and 86 % of many: the most that samples which know
    nothing of each other can be expected to reach.
    """
    random = np.random.default_rng(seed)
    num = mol.GetNumConformers()
    conformers = list(mol.GetConformers())
    drawn = Mol(mol)
    drawn.RemoveAllConformers()
    for place in random.integers(num, size=2 * num):
        drawn.AddConformer(conformers[place], assignId=True)
    return drawn


class RowStore:
    """A folder with a file for each row, so that a run that is killed goes on with the rows that are missing.

    Args:
        folder: made if it is missing.
        settings: what all rows share (references, seed, ...); rows of other settings do not count.
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self._settings = {**settings, "version": _VERSION}

    def load(self, contender: Contender) -> Row | None:
        """The row of this method, if it has been measured with these settings."""
        try:
            content = json.loads(self._path(contender).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(content, dict) or content.get("settings") != self._key(contender):
            return None
        row = content["row"]
        row["figures"] = {k: math.nan if v is None else v for k, v in row["figures"].items()}
        row["recall"] = [[math.inf if x is None else x for x in entries] for entries in row["recall"]]
        return Row(**row)

    def save(self, contender: Contender, row: Row) -> None:
        """Write a row; the file is there whole or not at all."""
        with complete_file(self._path(contender)) as file:
            json.dump(finite_or_none({"settings": self._key(contender), "row": asdict(row)}), file)

    def _path(self, contender: Contender) -> Path:
        return self.folder / (re.sub(r"[^A-Za-z0-9]+", "_", contender.name).strip("_").lower() + ".json")

    def _key(self, contender: Contender) -> dict[str, Any]:
        key = {**self._settings, "name": contender.name, "kind": contender.kind, **contender.settings}
        plain: dict[str, Any] = json.loads(json.dumps(key, default=str))
        return plain
