"""`benchmark=drug_speed`: time for a conformer at several sizes of molecule, ours beside RDKit and CONFORGE."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from rdkit import Chem, rdBase

from molediff.evaluation.conformers.benchmark.crystal import CrystalMethod, evenly
from molediff.evaluation.conformers.benchmark.crystal_run import by_generator, of_rivals
from molediff.evaluation.report.files import finite_or_none, write_figure
from molediff.evaluation.report.style import FIGURE_STYLE, METHOD_COLOURS
from molediff.evaluation.report.text import text_table
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.minima import Minima
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.files import complete_file
from molediff.runtime.words import counted


@dataclass(frozen=True)
class Timing:
    """One method on the molecules of one size.

    Attributes:
        name: of the method.
        num_atoms: the size, hydrogens included.
        num_molecules: timed.
        num_returned: conformers.
        seconds: of the processor, of all that the method did.
    """

    name: str
    num_atoms: int
    num_molecules: int
    num_returned: int
    seconds: float

    @property
    def seconds_each(self) -> float:
        """For a conformer returned; infinite without any."""
        return self.seconds / self.num_returned if self.num_returned else float("inf")


def measure(
    folder: str,
    minima: str,
    peptides: Sequence[str],
    sizes: Sequence[int],
    tolerance: int,
    num_molecules: int,
    num_conformers: int,
    rivals: Sequence[str],
    weights: str,
    ours: Mapping[str, Mapping[str, Any] | None],
    seed: int,
) -> dict[str, Any]:
    """Run what `configs/benchmark/drug_speed.yaml` asks for: a table, a picture, and the figures."""
    torch.set_num_threads(1)
    mols = {size: molecules_of_size(minima, peptides, size, tolerance, num_molecules) for size in sizes}
    timings: list[Timing] = []
    with rdBase.BlockLogs():
        for name, method in _methods(rivals, weights, ours):
            method(Chem.AddHs(Chem.MolFromSmiles("CCO")), 1, seed)  # warm up
            for size, of_size in mols.items():
                if of_size:
                    timings.append(time_method(name, method, size, of_size, num_conformers, seed))
    table = table_of(timings)
    print(f"{counted(num_conformers, 'conformer')} a molecule\n{table}")
    with complete_file(Path(folder) / "table.txt") as file:
        file.write(f"{table}\n")
    write_figure(speed_figure(timings), Path(folder) / "speed.png", dpi=150)
    found: dict[str, Any] = finite_or_none({"timings": [asdict(timing) for timing in timings]})
    with complete_file(Path(folder) / "figures.json") as file:
        json.dump(found, file, indent=1)
    return found


def molecules_of_size(
    minima: str, peptides: Sequence[str], size: int, tolerance: int, num: int
) -> list[Chem.Mol]:
    """Molecules with explicit hydrogens: held-out ones of the minima, and peptides where they give none.

    Args:
        minima: a file of `Minima`.
        peptides: sequences in one-letter code.
        size: atoms, hydrogens included.
        tolerance: so many more or fewer atoms will do.
        num: most molecules.
    """
    held_out = filter(is_held_out, Minima.read(minima).smiles_list())
    mols = [Chem.AddHs(Chem.MolFromSmiles(smiles)) for smiles in held_out]
    found = [mol for mol in mols if abs(mol.GetNumAtoms() - size) <= tolerance]
    if not found:
        mols = [Chem.AddHs(Chem.MolFromSequence(sequence)) for sequence in peptides]
        found = [mol for mol in mols if abs(mol.GetNumAtoms() - size) <= tolerance]
    return list(evenly(found, num))


def _methods(
    rivals: Sequence[str], weights: str, ours: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[tuple[str, CrystalMethod]]:
    for rival in of_rivals(rivals):
        yield rival.name, rival.method
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    for name, options in ours.items():
        if options is not None:
            yield f"molediff {Path(weights).stem}, {name}", by_generator(generator, dict(options))


def time_method(
    name: str, method: CrystalMethod, size: int, mols: Sequence[Chem.Mol], num_conformers: int, seed: int
) -> Timing:
    """Time a method on molecules of one size; where it fails, its time counts and no conformer does."""
    num_returned, seconds = 0, 0.0
    for mol in mols:
        start = time.process_time()
        try:
            made, _ = method(mol, num_conformers, seed)
        except (RuntimeError, ValueError, ArithmeticError):
            made = None
        seconds += time.process_time() - start
        num_returned += 0 if made is None else made.GetNumConformers()
    return Timing(name, size, len(mols), num_returned, seconds)


def table_of(timings: Sequence[Timing]) -> str:
    """Milliseconds of processor time for a conformer returned, and the rate beside the first method's, by size."""
    sizes = list(dict.fromkeys(timing.num_atoms for timing in timings))
    names = list(dict.fromkeys(timing.name for timing in timings))
    each = {(timing.name, timing.num_atoms): timing.seconds_each for timing in timings}
    head = ["method", *(title for size in sizes for title in (f"{size} atoms", "rate"))]
    units = ["", *(unit for _ in sizes for unit in ("ms", ""))]
    lines = [
        [name, *(cell for size in sizes for cell in _cells(each[name, size], each[names[0], size]))]
        for name in names
    ]
    legend = f"Rate: conformers a second, beside {names[0]}. Time of one thread, by the processor's clock."
    return "\n".join([text_table(head, lines, units), "", legend])


def _cells(seconds: float, of_first: float) -> tuple[str, str]:
    return f"{1000 * seconds:.1f}", f"{of_first / seconds:.2f}"


def speed_figure(timings: Sequence[Timing]) -> Figure:
    """Time for a conformer against the size of the molecule, a line for each method."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(5.6, 3.9), layout="constrained")
        axes = figure.subplots()
        names = dict.fromkeys(timing.name for timing in timings)
        for name, colour in zip(names, METHOD_COLOURS * 4, strict=False):
            points = [(t.num_atoms, 1000 * t.seconds_each) for t in timings if t.name == name]
            axes.plot(*zip(*points, strict=True), "o-", color=colour, label=name, markersize=3.5)
        axes.set(xscale="log", yscale="log", xlabel="atoms", ylabel="milliseconds a conformer, one thread")
        axes.set_xticks(sorted({timing.num_atoms for timing in timings}))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.legend(loc="upper left")
    return figure
