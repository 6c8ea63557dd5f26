"""Run methods on molecules with known conformers and measure what they return."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rdkit.Chem import Mol

from molediff.evaluation.conformers.metrics import CONFORMER_METRICS
from molediff.evaluation.conformers.metrics.geometry import Geometry
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.conformers.results import (
    UNLIMITED,
    Comparison,
    Limits,
    MethodResult,
    MoleculeResult,
    on_graph,
)
from molediff.evaluation.conformers.summary import Summary, summarize
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted

DATA_ROW = "reference geometries"

Method = Callable[[Mol, int, int], "Mol | None"] | Iterable["Mol | None"]
"""`f(mol, num_conformers, seed)` called once a molecule, or the results for all molecules in order: a sequence computed
elsewhere (no times), or an iterator that computes as it goes (timed by the item)."""


@dataclass(frozen=True)
class Evaluation:
    """Everything measured in one run, the data row first."""

    methods: list[MethodResult]
    summaries: dict[str, Summary]
    """For each method the figures of the table."""

    geometries: list[Geometry]
    """Geometries that define the ranges of bond lengths, angles and ring planarity."""

    protocol: dict[str, Any] = field(default_factory=dict)
    """How it was measured; shown with every table."""

    metrics: Sequence[Metric] = CONFORMER_METRICS
    """What was measured, in the order of the table."""


def evaluate_methods(
    references: Sequence[Mol],
    methods: Mapping[str, Method],
    num_conformers: int | None = 10,
    seed: int = 1,
    range_molecules: Sequence[Mol] | None = None,
    max_plausibility: int | None = 3,
    energy_ratio: bool = False,
    protocol: Mapping[str, Any] | None = None,
    progress: bool = True,
    metrics: Sequence[Metric] = CONFORMER_METRICS,
) -> Evaluation:
    """Measure methods, and the reference geometries themselves, on the same molecules by the same code.

    Args:
        references: molecules with explicit hydrogens, the stereo that is asked for, and one or more reference
            conformers. The methods get them without coordinates.
        methods: name -> method. A method that returns None, or no conformer, has failed on that molecule: it counts in
            every fraction. An exception in a method is not caught.
        num_conformers: conformers asked for each molecule; None for twice the number of its references.
        seed: handed to each method, at least 1.
        range_molecules: molecules with reference geometries, not among `references`, whose bond lengths, angles and
            rings define the usual ranges; the references themselves if None.
        max_plausibility: conformers of each molecule that PoseBusters looks at; None for all, 0 for none.
        energy_ratio: let PoseBusters also compare energies (about a second a conformer).
        protocol: what else to say about how it was measured.
        progress: show a progress bar for each method.
        metrics: what is measured; `[*CONFORMER_METRICS, mine]` adds one of your own.

    Raises:
        ValueError: no references, a reference without conformers, a seed below 1, two metrics of one key, or a method
            that returns another molecule or another number of results.
    """
    _check_input(references, methods, num_conformers, seed)
    check_metrics(metrics)
    limits = [Limits(max_plausibility, energy_ratio)] * len(references)
    requested = [num_conformers or 2 * mol.GetNumConformers() for mol in references]
    geometries = [Geometry.of(mol) for mol in (references if range_molecules is None else range_molecules)]
    results = []
    for name, method in {DATA_ROW: list(references), **methods}.items():
        is_data = name == DATA_ROW
        counts = [mol.GetNumConformers() for mol in references] if is_data else requested
        molecules = measure_method(name, method, references, counts, seed, metrics, limits, progress)
        results.append(MethodResult(name, molecules, is_data))
    solved = [not any(method.molecules[i].failed for method in results) for i in range(len(references))]
    return Evaluation(
        methods=results,
        summaries={
            method.name: summarize(
                Comparison(method.molecules, results[0].molecules, geometries, solved),
                metrics,
            )
            for method in results
        },
        geometries=geometries,
        protocol={
            "molecules": len(references),
            "conformers per molecule": num_conformers or "twice the number of references",
            "seed": seed,
            "molecules that define the usual ranges": len(geometries),
            "conformers per molecule seen by PoseBusters": (
                "all" if max_plausibility is None else max_plausibility
            ),
            **(protocol or {}),
        },
        metrics=list(metrics),
    )


def measure_method(
    name: str,
    method: Method,
    references: Sequence[Mol],
    counts: Sequence[int],
    seed: int,
    metrics: Sequence[Metric],
    limits: Sequence[Limits],
    progress: bool = True,
) -> list[MoleculeResult]:
    """Run a method once on all molecules and measure what it returns.

    Args:
        name: of the method, for the bar and the error.
        method: see `Method`.
        references: molecules with their reference conformers.
        counts: conformers asked for of each.
        seed: handed to the method.
        metrics: what is measured.
        limits: of the slow measurements of each molecule.
        progress: show a bar.

    Raises:
        ValueError: the method returned another molecule, or ended early.
    """
    molecules = []
    samples = run_method(name, method, references, counts, seed)
    bar = tqdm(references, desc=name, unit="molecule", disable=not progress)
    for reference, count, limit, (sample, wall, processor) in zip(bar, counts, limits, samples, strict=True):
        molecules.append(measure(reference, sample, count, wall, processor, metrics, limit))
    return molecules


def measure(
    reference: Mol,
    sample: Mol | None,
    num_requested: int,
    seconds: float | None = None,
    processor_seconds: float | None = None,
    metrics: Sequence[Metric] = CONFORMER_METRICS,
    limits: Limits = UNLIMITED,
) -> MoleculeResult:
    """Make every measurement of one molecule, each once.

    Args:
        reference: molecule with explicit hydrogens, the stereo asked for, and its reference conformers.
        sample: the method's conformers, atoms in the order of `reference`; None or without conformers: it failed.
        num_requested: conformers asked for.
        seconds: wall time that the method took.
        processor_seconds: processor time that it took.
        metrics: what is measured.
        limits: of the slow measurements.

    Raises:
        ValueError: `sample` is not the molecule `reference`.
    """
    values: dict[str, Any] = {}
    conformers = on_graph(reference, sample)
    result = MoleculeResult(reference, conformers, num_requested, seconds, processor_seconds, limits, values)
    for metric in metrics:
        if metric.of_molecule is not None and metric.measurement not in values:
            values[metric.measurement] = metric.of_molecule(result)
    return result


def run_method(
    name: str, method: Method, references: Sequence[Mol], counts: Sequence[int], seed: int
) -> Iterator[tuple[Mol | None, float | None, float | None]]:
    """Yield what a method returns for each molecule, and its wall and processor seconds (None if it was not called).

    Args:
        name: of the method, for the error.
        method: see `Method`.
        references: molecules; the method gets them without coordinates.
        counts: conformers asked for of each.
        seed: handed to the method.

    Raises:
        ValueError: the method ended early.
    """
    if isinstance(method, Sequence):
        yield from ((sample, None, None) for sample in method)
        return
    if callable(method):
        method = map(method, map(_without_coordinates, references), counts, [seed] * len(references))
    results = iter(method)
    for index in range(len(references)):
        start, processor_start = time.perf_counter(), time.process_time()
        try:
            sample = next(results)
        except StopIteration:
            raise ValueError(
                f"method '{name}' ended after {index} of {counted(len(references), 'molecule')}"
            ) from None
        yield sample, time.perf_counter() - start, time.process_time() - processor_start


def _without_coordinates(mol: Mol) -> Mol:
    bare = Mol(mol)
    bare.RemoveAllConformers()
    return bare


def check_metrics(metrics: Sequence[Metric]) -> None:
    """Refuse metrics of which one would hide another.

    Raises:
        ValueError: two have one key.
    """
    counts = Counter(metric.key for metric in metrics)
    if twice := [key for key, count in counts.items() if count > 1]:
        raise ValueError(f"two metrics have the key {twice[0]!r}: give one of them another")


def _check_input(
    references: Sequence[Mol], methods: Mapping[str, Method], num_conformers: int | None, seed: int
) -> None:
    if not references:
        raise ValueError("there are no reference molecules to evaluate on")
    for index, mol in enumerate(references):
        if mol.GetNumConformers() == 0:
            raise ValueError(f"reference molecule {index} has no conformer to compare with")
    if num_conformers is not None and num_conformers < 1:
        raise ValueError(f"num_conformers is {num_conformers}, but must be at least 1")
    if seed < 1:
        raise ValueError(f"the seed is {seed}, but must be at least 1 (RDKit does not treat 0 as a seed)")
    if DATA_ROW in methods:
        raise ValueError(f"'{DATA_ROW}' is the name of the data's own row: give the method another")
    for name, method in methods.items():
        if isinstance(method, Sequence) and len(method) != len(references):
            raise ValueError(
                f"method '{name}' has {counted(len(method), 'result')} for {counted(len(references), 'molecule')}"
            )
