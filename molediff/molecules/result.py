"""What the conformer generator hands back: one result for every input, whatever became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from rdkit import Chem

from molediff.molecules.stereo import perceived_smiles

Status = Literal["ok", "partial", "failed"]


@dataclass(frozen=True)
class Trajectory:
    """How the conformers of one molecule froze out of noise.

    Attributes:
        times: time of each network evaluation, from 1 (noise) towards 0 (data), shape (S,).
        x_t: noisy coordinates at these times, float32, in Angstrom, shape (S, n, N, 3).
        x_0_hat: what the network took the clean coordinates to be, float32, in Angstrom, shape (S, n, N, 3).
    """

    times: np.ndarray
    x_t: np.ndarray
    x_0_hat: np.ndarray


@dataclass(frozen=True)
class GenerationResult:
    """Conformers of one input, or the reason why there are none.

    Attributes:
        smiles: the SMILES given; for a Mol, its canonical SMILES; for anything else, its text.
        mol: the molecule with explicit hydrogens and conformer ids 0 .. n - 1, coordinates in Angstrom; no
            conformer if all samples were rejected, None if the input was not usable.
        status: "ok": all that was asked for; "partial": some of it; "failed": no conformer.
        reason: why the status is not "ok" and what to do, or a word of caution; empty when there is nothing
            to say.
        num_requested: number of conformers asked for.
        num_drawn: samples drawn, redrawn ones included.
        num_reflected: samples that were mirror images of what was asked for and have been reflected.
        num_rejected: rejected samples by the first check they failed: "not_finite", "stereo", "bond_length",
            "clash", "relaxation" (spoilt by the force field). Wrong stereo before any correction is
            num_reflected + num_rejected["stereo"].
        num_pruned: conformers left out as duplicates (`prune_rmsd`).
        seed: the seed given.
        energies: MMFF94s energy of each conformer in kcal/mol, shape (n,), or None if not asked for or not
            available.
        seconds: processor time spent on this molecule; of a batch, its share.
        trajectory: the way from noise to the n conformers, if asked for.
    """

    smiles: str
    mol: Chem.Mol | None
    status: Status
    reason: str
    num_requested: int
    seed: int
    num_drawn: int = 0
    num_reflected: int = 0
    num_rejected: dict[str, int] = field(default_factory=dict)
    num_pruned: int = 0
    energies: np.ndarray | None = None
    seconds: float = 0.0
    trajectory: Trajectory | None = None

    @property
    def num_conformers(self) -> int:
        """Number of conformers n in `mol`."""
        return 0 if self.mol is None else self.mol.GetNumConformers()

    @property
    def ensemble(self) -> np.ndarray:
        """Coordinates of all conformers in Angstrom, float64, shape (n, N, 3); a copy."""
        if self.mol is None or self.num_conformers == 0:
            return np.zeros((0, 0 if self.mol is None else self.mol.GetNumAtoms(), 3))
        return np.stack([conformer.GetPositions() for conformer in self.mol.GetConformers()])

    def isomeric_smiles(self) -> list[str]:
        """Canonical SMILES of each conformer with the stereo that its coordinates show, n strings.

        They differ only where the input left stereo open.
        """
        return [] if self.mol is None else perceived_smiles(self.mol)

    @staticmethod
    def failure(
        smiles: str, reason: str, num_requested: int, seed: int, seconds: float = 0.0
    ) -> GenerationResult:
        """The result of an input that was not usable."""
        return GenerationResult(smiles, None, "failed", reason, num_requested, seed, seconds=seconds)


def with_conformers(mol: Chem.Mol, coordinates: Sequence[np.ndarray] | np.ndarray) -> Chem.Mol:
    """A copy of `mol` whose conformers, ids 0 .. n - 1, are `coordinates`, n arrays (N, 3) in Angstrom."""
    filled = Chem.Mol(mol)
    filled.RemoveAllConformers()
    for positions in coordinates:
        conformer = Chem.Conformer(mol.GetNumAtoms())
        conformer.Set3D(True)
        conformer.SetPositions(np.ascontiguousarray(positions, dtype=np.float64))
        filled.AddConformer(conformer, assignId=True)
    return filled
