"""Conformers from a command's settings: draw them, film one that freezes, measure them against references."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rdkit import Chem, rdBase
from rdkit.Chem import Mol

from molediff.core.solvers import Solver
from molediff.evaluation.conformers import baselines
from molediff.evaluation.conformers.evaluate import evaluate_methods
from molediff.evaluation.conformers.film import freezing_strip, write_freezing_animation
from molediff.evaluation.conformers.generated import Generated
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.conformers.report import write_report
from molediff.evaluation.conformers.table import text_table
from molediff.evaluation.report.files import write_figure
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.files.ensembles import as_ensembles
from molediff.molecules.files.export import export_conformers
from molediff.molecules.files.io import read_fixed, read_inputs
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.limits import LARGER_BY_AUTO
from molediff.molecules.graph.vocabulary import QM9
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted


class NoConformerError(ValueError):
    """There is nothing to show; the message says why."""


def sample(
    sources: Sequence[str],
    output: str,
    status: str | None,
    smiles_column: str,
    weights: str,
    fixed: str | None = None,
    device: str | None = None,
    progress: bool = False,
    **options: Any,
) -> int:
    """Generate conformers of molecules and write them; return how many there are.

    Args:
        sources: SMILES, and files of molecules (.smi, .csv, .sdf).
        output: `.sdf` or `.xyz`.
        status: table with one row a molecule; None is status.csv beside the output.
        smiles_column: header of the SMILES in .csv files.
        weights, device: see `ConformerGenerator.from_pretrained`.
        fixed: .sdf or .mol file of a substructure that keeps its coordinates; or None.
        progress: a bar on stderr.
        options: of `ConformerGenerator.generate_many`.

    Raises:
        ValueError: no molecule is named, a setting is out of range, or an input would be overwritten.
        OSError: a file cannot be read or written.
    """
    if not sources:
        raise ValueError(
            "no molecule given: name a SMILES or a file (.smi, .csv, .sdf), as in sample.py 'CCO'"
        )
    file = Path(output)
    table = file.with_name("status.csv") if status is None else Path(status)
    if clash := {Path(source).resolve() for source in sources} & {file.resolve(), table.resolve()}:
        raise ValueError(f"{clash.pop()} is an input and would be overwritten; name another output")
    inputs = as_ensembles(read_inputs(sources, smiles_column))
    if options.get("preset"):  # what is left at its default is left to the preset
        options = {word: value for word, value in options.items() if value not in (None, False)}
    options["fixed"] = None if fixed is None else read_fixed(fixed)
    generator = ConformerGenerator.from_pretrained(weights, device=device)
    summary = export_conformers(
        tqdm(inputs, unit=" molecules", disable=not progress or None),
        functools.partial(generator.generate_many, **options),
        file,
        table,
    )
    if summary.former_status is not None:
        print(
            f"the table that was in {table} is of another output: now in {summary.former_status}",
            file=sys.stderr,
        )
    for name, reason in summary.failures:
        print(f"{name}: {reason}", file=sys.stderr)
    counts = ", ".join(f"{count} {word}" for word, count in summary.num_inputs.items() if count)
    made = f"{counted(summary.num_conformers, 'conformer')} in {file}"
    if summary.num_conformers == 0:
        made = f"no conformer: {file} is not written"
        made += ", and the file of that name is of an earlier run" if file.exists() else ""
    print(f"{made}; molecules in {table}: {counts}")
    if summary.interrupted:
        raise KeyboardInterrupt
    return summary.num_conformers


def freeze(
    molecules: Sequence[str],
    output: str,
    seed: int,
    weights: str,
    num_steps: int,
    grid: str,
    max_atoms: int | None = None,
) -> None:
    """Draw one conformer and write its trajectory as a strip (PNG) and an animation (GIF).

    Args:
        molecules: one SMILES.
        output: name of the pictures, without .png and .gif.
        seed, weights, num_steps, grid, max_atoms: see `ConformerGenerator`.

    Raises:
        ValueError: not one molecule is named, or it has nothing to freeze.
        NoConformerError: it has no conformer.
        OSError: a file cannot be written.
    """
    if len(molecules) != 1:
        raise ValueError(f"name one molecule, as in freeze.py 'CCO'; got {len(molecules)}")
    check_writable(Path(output).parent)
    generator = ConformerGenerator.from_pretrained(
        "qm9" if weights == "auto" else weights, max_atoms=max_atoms
    )
    if generator.plan.init is not None:
        raise ValueError(
            f"the weights {weights!r} begin with a cheap guess, which they refine: a film needs weights that begin "
            "with noise, such as 'qm9'"
        )
    result = generator.generate(
        molecules[0],
        num_conformers=1,
        seed=seed,
        solver="dpmpp_2m",  # as the equation of motion has it: a cooled state holds less noise than its time says
        num_steps=num_steps,
        grid=grid,
        trajectory=True,
    )
    if result.num_conformers == 0:
        reason = result.reason.replace(LARGER_BY_AUTO, "")  # those begin with a guess
        if foreign := _unknown_elements(molecules[0], generator):
            reason = (
                f"only molecules of {generator.vocabulary.names()} can be filmed, not {', '.join(foreign)}: all other "
                "weights refine a guess and do not begin with noise"
            )
        raise NoConformerError(f"no conformer of {molecules[0]}: {reason}")
    if result.trajectory is None:
        raise ValueError(
            f"{molecules[0]} has too few atoms to freeze: one or two are placed without sampling"
        )
    path = generator.model.path
    strip, film = f"{output}.png", f"{output}.gif"
    write_figure(freezing_strip(result, path), strip, dpi=150)
    write_freezing_animation(result, path, film)
    print(f"{strip} and {film}")


def _unknown_elements(molecule: str, generator: ConformerGenerator) -> list[str]:
    """Symbols of the elements of a molecule that the weights do not know; none of what cannot be read."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromInchi(molecule) if molecule.startswith("InChI=") else Chem.MolFromSmiles(molecule)
    atoms = [] if mol is None else mol.GetAtoms()
    known = {*generator.vocabulary.elements}
    return sorted({atom.GetSymbol() for atom in atoms if atom.GetAtomicNum() not in known})


def evaluate(
    output: str,
    references: str | None,
    root: str,
    split: str,
    num_molecules: int,
    num_range_molecules: int,
    num_conformers: int | None,
    seed: int,
    etkdg: bool,
    weights: str | None,
    solver: str | Solver | None,
    num_steps: int | None,
    grid: str | None,
    relaxed: bool,
    batch_atoms: int,
    max_plausibility: int | None,
    energy_ratio: bool,
    viewer: bool,
    device: str | None = None,
    progress: bool = False,
) -> None:
    """Measure our conformers and those of RDKit on references, and write the report.

    Args:
        output: folder of report.html and metrics.json.
        references: .sdf or .sdf.gz of reference conformers; None takes QM9.
        root: folder of the QM9 cache.
        split: of QM9.
        num_molecules: the first of the split, or of the references.
        num_range_molecules: QM9 training molecules that define the usual bond lengths, angles and rings.
        num_conformers: asked of each method; None is twice the number of reference conformers.
        seed: of the conformers.
        etkdg: also measure ETKDGv3, and ETKDGv3 relaxed with MMFF94s.
        weights: of ours; None leaves it out.
        solver, num_steps, grid: None is that of the weights.
        relaxed: also measure our conformers relaxed with MMFF94s.
        batch_atoms: most atoms in a batch.
        max_plausibility: conformers of a molecule that PoseBusters looks at; None for all.
        energy_ratio: PoseBusters also compares energies.
        viewer: molecules in the report that can be turned.
        device: see `ConformerGenerator.from_pretrained`.
        progress: bars on stderr.

    Raises:
        ValueError: a setting is out of range, or the references hold no molecule.
        OSError: a file cannot be read, or the folder not be written.
    """
    check_writable(output)
    generator = None if weights is None else ConformerGenerator.from_pretrained(weights, device=device)
    mols, usual, source = _references(references, root, split, num_molecules, num_range_molecules, progress)
    methods: dict[str, Any] = {}
    protocol = {"references": source, **describe_machine(torch.get_num_threads())}
    if generator is not None:
        if references is None and generator.vocabulary is not QM9:
            protocol["caution"] = (
                f"the weights {weights} are for drug-like molecules, and these references are QM9's small ones: take "
                "references of their kind, such as references=data/drugs_ensembles.sdf.gz"
            )
            print(f"note: {protocol['caution']}", file=sys.stderr)
        plan = generator.plan.with_overrides(solver, num_steps, grid)
        options: dict[str, Any] = {
            "solver": plan.solver,
            "num_steps": plan.num_steps,
            "grid": plan.grid,
            "batch_atoms": batch_atoms,
        }
        ours = methods["molediff"] = Generated(generator, mols, num_conformers, seed, **options)
        if relaxed:
            methods["molediff + MMFF94s"] = Generated(
                generator, mols, num_conformers, seed, relax="mmff", **options
            )
        parameters = sum(parameter.numel() for parameter in generator.model.parameters())
        protocol["molediff"] = (
            f"weights {weights}, {parameters / 1e6:.2f} M parameters, {plan.solver}, "
            f"{counted(plan.num_steps, 'step')}, grid {plan.grid}, on {generator.device}"
        )
    if etkdg:
        methods |= {"ETKDGv3": baselines.etkdg, "ETKDGv3 + MMFF94s": baselines.etkdg_mmff}
    evaluation = evaluate_methods(
        mols, methods, num_conformers, seed, usual, max_plausibility, energy_ratio, protocol, progress
    )
    if generator is not None:
        evaluation.protocol["before correction"] = ours.tally
    metrics_path, report_path = write_report(evaluation, output, viewer=viewer)
    print(f"{text_table(evaluation)}\n\n{report_path}\n{metrics_path}")


def _references(
    file: str | None, root: str, split: str, num: int, num_usual: int, progress: bool
) -> tuple[list[Mol], list[Mol] | None, str]:
    """Reference molecules, molecules with usual geometries (None: the references themselves), and where from."""
    if file is not None:
        return read_references(file)[:num], None, str(file)
    qm9 = load_qm9(root, progress=progress)
    mols = qm9.mols(split, range(min(num, len(qm9.split(split)))))
    return mols, qm9.mols("train", range(num_usual)), f"QM9 {split} split, B3LYP/6-31G(2df,p)"
