"""Is the shape that a molecule has in a crystal among the conformers of a method? One row a method."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.evaluation.conformers.metrics.stereo import stereo_matches
from molediff.molecules.data.crystal_set import count_rotors
from molediff.molecules.files.sdf import title_of
from molediff.molecules.spread import ConformerDistances
from molediff.runtime.words import counted

THRESHOLDS = (0.5, 1.0, 1.5, 2.0)
"""In Angstrom: what the field counts by (Friedrich et al. 2017)."""

# Distances of all pairs grow with the square of the conformers; these many say how varied they are.
_NUM_COMPARED = 50

CrystalMethod = Callable[[Chem.Mol, int, int], "tuple[Chem.Mol | None, str]"]
"""f(mol with explicit hydrogens and stereo, num_conformers, seed) -> conformers or None, and the reason
if something is missing."""


@dataclass(frozen=True)
class CrystalMolecule:
    """What a method made of one molecule.

    Attributes:
        title: of its record.
        num_heavy_atoms, num_rotors: of the molecule.
        num_returned: conformers.
        best_rmsd: least heavy-atom RMSD to a crystal conformer in Angstrom; infinite without a conformer.
        num_wrong_stereo: conformers whose stereo is not that of the crystal.
        diversity: mean heavy-atom RMSD between the conformers (the first 50), in Angstrom; NaN of fewer than two.
        seconds: of the processor, of all that the method did.
        reason: why conformers are missing.
    """

    title: str
    num_heavy_atoms: int
    num_rotors: int
    num_returned: int
    best_rmsd: float
    num_wrong_stereo: int
    diversity: float
    seconds: float
    reason: str


@dataclass(frozen=True)
class CrystalRow:
    """One method on all molecules.

    Attributes:
        name: of the method.
        num_conformers: most that it may return.
        molecules: in the order of the references.
        run_id: of the run that measured it; seconds compare only within one run.
    """

    name: str
    num_conformers: int
    molecules: list[CrystalMolecule]
    run_id: str = ""

    @property
    def best_rmsd(self) -> np.ndarray:
        """Of each molecule, in Angstrom; infinite where the method failed."""
        return np.array([molecule.best_rmsd for molecule in self.molecules])

    @property
    def figures(self) -> dict[str, float]:
        """The figures of the table by key."""
        best = self.best_rmsd
        seconds = np.array([molecule.seconds for molecule in self.molecules])
        returned = sum(molecule.num_returned for molecule in self.molecules)
        diversities = [m.diversity for m in self.molecules if not math.isnan(m.diversity)]
        solved = np.isfinite(best)
        return {
            "rmsd_mean": float(best[solved].mean()) if solved.any() else math.nan,
            "rmsd_median": float(np.median(best)),
            **{f"below_{threshold:g}": share_below(best, threshold) for threshold in THRESHOLDS},
            "num_failed": float((~solved).sum()),
            "num_returned_mean": returned / len(self.molecules),
            "diversity_mean": float(np.mean(diversities)) if diversities else math.nan,
            "wrong_stereo": sum(m.num_wrong_stereo for m in self.molecules) / returned
            if returned
            else math.nan,
            "seconds_mean": float(seconds.mean()),
            "seconds_median": float(np.median(seconds)),
        }

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why there is no conformer at all, the most frequent reason first."""
        return Counter(m.reason for m in self.molecules if not m.num_returned).most_common()


def share_below(best: np.ndarray, threshold: float) -> float:
    """Share of all molecules whose nearest conformer is within `threshold`; failures, infinite, are misses."""
    return float((best < threshold).mean())


def measure_crystal_row(
    name: str,
    method: CrystalMethod,
    references: Iterable[Chem.Mol],
    num_conformers: int,
    seed: int,
    run_id: str = "",
) -> CrystalRow:
    """Run a method once on all molecules; it sees their isomeric SMILES alone.

    Args:
        name: of the row.
        method: it may return fewer conformers, and more count as none of the molecule.
        references: with hydrogens, stereo and at least one crystal conformer.
        num_conformers: most conformers of each.
        seed: handed to the method, at least 1.
        run_id: see `CrystalRow`.
    """
    rows = [measure_molecule(method, reference, num_conformers, seed) for reference in references]
    return CrystalRow(name, num_conformers, rows, run_id)


def measure_molecule(
    method: CrystalMethod, reference: Chem.Mol, num_conformers: int, seed: int
) -> CrystalMolecule:
    """What a method makes of one molecule; arguments as of `measure_crystal_row`."""
    asked = from_smiles(reference)
    start = time.process_time()
    try:
        mol, reason = method(asked, num_conformers, seed)
    except (
        RuntimeError,
        ValueError,
        ArithmeticError,
    ) as error:  # of a rival: its failure, not the end of the run
        mol, reason = None, f"{type(error).__name__}: {error}"
    seconds = time.process_time() - start
    num = 0 if mol is None else mol.GetNumConformers()
    if num > num_conformers:
        num, reason = 0, f"{counted(num, 'conformer')} where at most {num_conformers} may be"
    best, wrong, diversity = math.inf, 0, math.nan
    if mol is not None and num:
        best = float(rmsd_matrix(reference, mol).min())
        wrong = int((~stereo_matches(mol)).sum())
        diversity = mean_distance(mol)
    size, rotors = reference.GetNumHeavyAtoms(), count_rotors(reference)
    return CrystalMolecule(title_of(reference), size, rotors, num, best, wrong, diversity, seconds, reason)


def from_smiles(reference: Chem.Mol) -> Chem.Mol:
    """The molecule as its isomeric SMILES gives it, with hydrogens and without coordinates."""
    return Chem.AddHs(Chem.MolFromSmiles(Chem.MolToSmiles(Chem.RemoveHs(reference))))


def mean_distance(mol: Chem.Mol) -> float:
    """Mean heavy-atom RMSD between the first conformers of `mol`, in Angstrom; NaN of fewer than two."""
    few = Chem.Mol(mol)
    for conformer_id in [conformer.GetId() for conformer in mol.GetConformers()][_NUM_COMPARED:]:
        few.RemoveConformer(conformer_id)
    num = few.GetNumConformers()
    return float(ConformerDistances(few).matrix().sum() / (num * (num - 1))) if num > 1 else math.nan


def evenly(references: Sequence[Any], num: int | None) -> list[Any]:
    """`num` of them, evenly spread over their order; None takes all."""
    if num is None or num >= len(references):
        return list(references)
    return [references[i] for i in np.linspace(0, len(references) - 1, num).round().astype(int)]
