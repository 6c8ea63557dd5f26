"""`benchmark=fixed_cores`: conformers around a core of a crystal structure that keeps its place."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from rdkit import Chem, rdBase
from rdkit.Chem import Mol, rdDistGeom, rdMolAlign
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.Geometry import Point3D

from molediff.evaluation.conformers.benchmark.crystal import evenly
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.report.files import finite_or_none
from molediff.evaluation.report.text import text_table
from molediff.molecules.conformers import with_conformers
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.rmsd import MAX_MATCHES
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from molediff.runtime.words import counted

Method = Callable[[Mol, "list[int]", int, int], "Mol | None"]
"""From a molecule in its crystal conformer, the atoms of the core, a number and a seed to conformers in its frame."""

_APART = 3  # bonds between two rings, at least
_LEAST_CORE = 5
_SECONDS = 60  # of a molecule: some embeddings never end
HEAD = ["core", "method", "molecules", "whole", "returned", "nearest", "median", "< 1 Å", "core off", "time"]
UNITS = ["", "", "", "%", "%", "Å", "Å", "%", "Å", "ms"]
LEGEND = (
    "Whole: molecules of which all conformers came. Nearest: least RMSD of the heavy atoms to the crystal, where they "
    "lie, mean and median over the molecules with any; < 1 Å: of all. Core off: mean RMSD of the core from its place. "
    "An embedding that takes more than a minute fails. Time: of one thread, by the processor's clock, for a conformer "
    "asked for."
)


def measure(
    references: str,
    num_molecules: int | None,
    cores: Sequence[str],
    num_conformers: int,
    weights: str,
    presets: Sequence[str | None],
    seed: int,
) -> dict[str, Any]:
    """Run what `configs/benchmark/fixed_cores.yaml` asks for: a table, and the figures."""
    torch.set_num_threads(1)
    mols = evenly(read_references(references), num_molecules)
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    methods: dict[str, Method] = {"ETKDGv3, coordMap": _embedded}
    methods |= {f"{weights}, {preset or 'as meant'}": _by(generator, preset) for preset in presets}
    rows, found = [], []
    for kind in cores:
        held = [(mol, core) for mol in mols if (core := core_of(mol, kind, np.random.default_rng(seed)))]
        for name, method in methods.items():
            method(*held[0], 1, seed)  # warm up
            figures = _row(method, held, num_conformers, seed)
            found.append({"core": kind, "method": name, **figures})
            rows.append(_line(kind, name, figures))
            print("  ".join(rows[-1]), flush=True)
    table = text_table(HEAD, rows, UNITS, num_names=2)
    print(f"\n{counted(len(mols), 'molecule')} of {references}\n{table}\n\n{LEGEND}")
    made: dict[str, Any] = finite_or_none({"num_molecules": len(mols), "rows": found})
    return made


def core_of(mol: Mol, kind: str, random: np.random.Generator) -> list[int]:
    """Heavy atoms of a core; none if the molecule has no such core, or nothing is left free.

    Args:
        mol: explicit hydrogens.
        kind: "scaffold", "side" or "two rings".
        random: decides between several.

    Raises:
        ValueError: there is no such kind.
    """
    heavy = {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1}
    if kind == "scaffold":
        core = set(mol.GetSubstructMatch(MurckoScaffold.GetScaffoldForMol(Chem.RemoveHs(mol))))
    elif kind == "side":
        rotors = Rotors.of(mol)
        rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
        core = set()
        if len(rotors):
            one = random.integers(len(rotors))
            core = set(np.flatnonzero(~rotors.turned[one]).tolist()) & heavy | {int(rotors.bonds[one, 1])}
    elif kind == "two rings":
        rings, apart = list(map(set, mol.GetRingInfo().AtomRings())), Chem.GetDistanceMatrix(mol)
        pairs = [
            first | second
            for place, first in enumerate(rings)
            for second in rings[:place]
            if apart[np.ix_(sorted(first), sorted(second))].min() >= _APART
        ]
        core = pairs[random.integers(len(pairs))] if pairs else set()
    else:
        raise ValueError(f"a core is the scaffold, a side or two rings; got {kind!r}.")
    return sorted(core) if _LEAST_CORE <= len(core) < len(heavy) else []


def _by(generator: ConformerGenerator, preset: str | None) -> Method:
    def conformers(mol: Mol, core: list[int], num: int, seed: int) -> Mol | None:
        x, bare = mol.GetConformer().GetPositions(), Mol(mol)
        bare.RemoveAllConformers()
        return generator.generate(bare, num, seed, fixed={atom: x[atom] for atom in core}, preset=preset).mol

    return conformers


def _embedded(mol: Mol, core: list[int], num: int, seed: int) -> Mol | None:
    """ETKDGv3 with the distances of the core, laid on it."""
    made, x = Mol(mol), mol.GetConformer().GetPositions()
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]  # the stubs give it another type
    parameters.timeout = _SECONDS  # type: ignore[assignment]  # likewise
    parameters.SetCoordMap({atom: Point3D(*x[atom].tolist()) for atom in core})  # type: ignore[call-arg, arg-type]
    with rdBase.BlockLogs():
        ids = [one for one in rdDistGeom.EmbedMultipleConfs(made, num, parameters) if one >= 0]
    for one in ids:
        rdMolAlign.AlignMol(made, mol, one, -1, [(atom, atom) for atom in core])
    return made if ids else None


def _row(
    method: Method, held: Sequence[tuple[Mol, list[int]]], num_conformers: int, seed: int
) -> dict[str, float]:
    nearest, off, counts = [], [], []
    begun = time.process_time()
    made = [method(mol, core, num_conformers, seed) for mol, core in held]
    seconds = time.process_time() - begun
    for (mol, core), found in zip(held, made, strict=True):
        counts.append(0 if found is None else found.GetNumConformers())
        if found is None or not counts[-1]:
            continue
        theirs = np.stack([conformer.GetPositions() for conformer in found.GetConformers()])
        ours = mol.GetConformer().GetPositions()
        off.append(np.sqrt(((theirs - ours)[:, core] ** 2).sum(-1).mean(-1)).mean())
        bare = Chem.RemoveHs(with_conformers(mol, list(theirs)))
        distances = [
            rdMolAlign.CalcRMS(bare, Chem.RemoveHs(mol), conformer.GetId(), -1, maxMatches=MAX_MATCHES)
            for conformer in bare.GetConformers()
        ]
        nearest.append(min(distances))
    values = np.array(nearest)
    return {
        "num_molecules": len(held),
        "whole": float(np.mean(np.array(counts) == num_conformers)),
        "returned": float(np.mean(counts) / num_conformers),
        "nearest_mean": float(values.mean()) if nearest else float("nan"),
        "nearest_median": float(np.median(values)) if nearest else float("nan"),
        "below_1": float((values < 1).sum() / len(held)),
        "core_off": float(np.mean(off)) if off else float("nan"),
        "seconds": seconds / (num_conformers * len(held)),
    }


def _line(kind: str, name: str, figures: dict[str, float]) -> list[str]:
    return [
        kind,
        name,
        f"{figures['num_molecules']:.0f}",
        f"{100 * figures['whole']:.1f}",
        f"{100 * figures['returned']:.1f}",
        f"{figures['nearest_mean']:.3f}",
        f"{figures['nearest_median']:.3f}",
        f"{100 * figures['below_1']:.1f}",
        f"{figures['core_off']:.3f}",
        f"{1000 * figures['seconds']:.1f}",
    ]
