"""What the conformer generator hands back: one result for every input, whatever became of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import ROOM_TEMPERATURE, above_lowest, boltzmann_weights
from molediff.molecules.perception.stereo import perceived_smiles
from molediff.runtime.words import counted
from molediff.sampling.trajectory import Trajectory

if TYPE_CHECKING:
    from molediff.molecules.files.records import Record

Status = Literal["ok", "partial", "failed"]

WHOLE_MOL = Chem.PropertyPickleOptions.AllProps | Chem.PropertyPickleOptions.CoordsAsDouble
"""What a Mol takes along to another process: by itself it leaves its properties and the last digits behind."""


@dataclass(frozen=True, repr=False)
class Ensemble:
    """The conformers of one molecule as plain arrays, all in the order of the conformer ids.

    Attributes:
        atomic_numbers: int64, shape (N,), hydrogens included.
        coordinates: in Angstrom, float64, shape (n, N, 3).
        energies: in kcal/mol, shape (n,), or None if not asked for.
        weights: Boltzmann weights at 298.15 K, shape (n,), or None without energies.
    """

    atomic_numbers: np.ndarray
    coordinates: np.ndarray
    energies: np.ndarray | None = None
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.coordinates)

    def __repr__(self) -> str:
        energies = "no energies" if self.energies is None else "energies and Boltzmann weights"
        return (
            f"<Ensemble: {counted(len(self), 'conformer')} of {len(self.atomic_numbers)} atoms, {energies}>"
        )


@dataclass(frozen=True, repr=False)
class GenerationResult:
    """Conformers of one input, or the reason why there are none.

    Attributes:
        smiles: the SMILES given; for a Mol, or the largest fragment of what was given, its canonical SMILES; for
            anything else, its text.
        mol: the molecule with explicit hydrogens and conformer ids 0 .. n - 1, coordinates in Angstrom; no
            conformer if all samples were rejected, None if the input was not usable.
        status: "ok": all that was asked for, with a word of caution or without; "partial": some of it; "failed": no
            conformer.
        reason: why the status is not "ok" and what to do, or a word of caution; empty when there is nothing
            to say.
        num_requested: number of conformers asked for.
        num_drawn: samples drawn, redrawn ones included.
        num_reflected: samples that were mirror images of what was asked for and have been reflected.
        num_rejected: rejected samples by the first check they failed: "not_finite", "stereo", "fixed" (the fixed atoms
            cannot be placed), the names of `generation.checks.CHECKS`, "strain", those of your own, or "relaxation" (it
            failed, or what came out failed a check). Wrong stereo before any correction is num_reflected +
            num_rejected["stereo"].
        num_pruned: conformers left out as duplicates (`prune_rmsd`).
        num_outside_window: conformers left out for their energy (`energy_window`).
        num_not_selected: conformers of the pool left out because others were chosen (`pool`, `select`).
        seed: the seed given.
        energies: energy of each conformer in kcal/mol, shape (n,), NaN where it could not be computed; None if not
            asked for or not available. MMFF94s: of the force field. GFN2-xTB and AIMNet2: total, large and negative.
            Learned: only differences mean something.
        energy_method: "MMFF94s", "GFN2-xTB", "AIMNet2" or "AIMNet2 as learned by" the weights, or None.
        seconds: time spent on this molecule; of a batch, its share.
        trajectory: the way from noise to the n conformers, if asked for.
        provenance: how the conformers were made: weights and their SHA-256, solver, number of steps, ... Where two
            kinds of weights share a molecule: what holds for both, and the names of both.
        provenances: how each conformer was made where two kinds of weights share a molecule, n of them; else None.
        num_mended: conformers of which a hydrogen was moved along its bond, to the usual length, since that was
            impossible (`generation.hydrogens`).
        samples: number of the sample that each conformer is, and the attempt at it, int64, shape (n, 2): with the seed
            they fix its noise. None if that is not known. A longer call begins with the samples of a shorter one. Of
            weights that begin with cheap guesses neither holds without the number of samples that were asked for,
            `provenance["num_samples"]`: it decides what is guessed.
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
    num_outside_window: int = 0
    num_not_selected: int = 0
    energies: np.ndarray | None = None
    energy_method: str | None = None
    seconds: float = 0.0
    trajectory: Trajectory | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    num_mended: int = 0
    samples: np.ndarray | None = None
    provenances: tuple[dict[str, Any], ...] | None = None

    def __repr__(self) -> str:
        facts = [f"{self.num_conformers} of {counted(self.num_requested, 'conformer')}"]
        if self.energies is not None and np.isfinite(self.energies).any():
            facts.append(f"{self.energy_method} within {np.nanmax(self.relative_energies):.1f} kcal/mol")
        facts += [f"seed {self.seed}", f"{self.seconds:.2g} s"]
        why = f"; {self.reason}" if self.reason else ""
        return f"<GenerationResult {self.smiles}: {self.status}, {', '.join(facts)}{why}>"

    @property
    def num_conformers(self) -> int:
        """Number of conformers n in `mol`."""
        return 0 if self.mol is None else self.mol.GetNumConformers()

    @property
    def ensemble(self) -> Ensemble:
        """The conformers as numpy arrays, made anew from `mol` at each access (RDKit lends no view of its own).

        Without conformers, arrays of length 0.
        """
        mol = Chem.Mol() if self.mol is None else self.mol
        coordinates = np.zeros((self.num_conformers, mol.GetNumAtoms(), 3))
        for row, conformer in zip(coordinates, mol.GetConformers(), strict=True):
            row[:] = conformer.GetPositions()
        return Ensemble(
            np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=np.int64),
            coordinates,
            self.energies,
            None if self.energies is None else self.boltzmann_weights(),
        )

    @property
    def relative_energies(self) -> np.ndarray:
        """Energy of each conformer above the lowest, in kcal/mol, shape (n,).

        Raises:
            ValueError: there are no energies.
        """
        if self.energies is None:
            raise ValueError(
                "There are no energies: ask for them with energies='mmff', 'gfn2', 'aimnet2' or 'learned'."
            )
        return above_lowest(self.energies)

    def boltzmann_weights(self, temperature: float = ROOM_TEMPERATURE) -> np.ndarray:
        """Weight exp(-E / RT) of each conformer, normalized to a sum of 1, shape (n,).

        Energies, not free energies: vibrations, solvent and the degeneracy of symmetric shapes are left out. Equal
        conformers count as often as they are there: leave them out first with `prune_rmsd`, after `relax`. A
        conformer whose energy is not known has weight 0.

        Args:
            temperature: in Kelvin.

        Raises:
            ValueError: there are no energies, or the temperature is not positive.
        """
        return boltzmann_weights(self.relative_energies, temperature)

    def isomeric_smiles(self) -> list[str]:
        """Canonical SMILES of each conformer with the stereo that its coordinates show, n strings.

        They differ only where the input left stereo open.
        """
        return [] if self.mol is None else perceived_smiles(self.mol)

    def to_sdf(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The conformers as SDF, a record each, with energies and how they were made as properties.

        Args:
            path: a file, which is replaced (`.gz` behind it: compressed); folders that are missing are made, as by all
                writers. None: the text is returned.

        Raises:
            ValueError: there is no conformer to write to a file.
        """
        return self._as_text(".sdf", path)

    def to_xyz(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The same as extended XYZ, which ASE reads with all properties."""
        return self._as_text(".xyz", path)

    def to_dataframe(self) -> Any:
        """A pandas DataFrame with a row for every conformer: energies in kcal/mol, the stereo that its coordinates
        show, and how it was made. The coordinates are in `ensemble`. Several results: `pandas.concat`.
        """
        from molediff.molecules.files.frame import data_frame

        return data_frame([self._records()])

    def to_data(self) -> list[Any]:
        """A `torch_geometric.data.Data` of every conformer; see `molecules.files.graphs`."""
        from molediff.molecules.files.graphs import to_data

        return to_data(self._records())

    def to_ase(self) -> list[Any]:
        """An `ase.Atoms` of every conformer, `info` with its energies and how it was made.

        The way back is `molediff.molecules.from_ase`.
        """
        from molediff.molecules.files.ase import to_ase

        return to_ase(self._records())

    def _repr_html_(self) -> str:
        from molediff.molecules.view.viewer import View

        return View(self).to_html()

    def _records(self) -> list[Record]:
        from molediff.molecules.files.records import records_of

        return list(records_of(self, self.smiles))

    def _as_text(self, suffix: str, path: str | os.PathLike[str] | None) -> str | None:
        from molediff.molecules.files.output import text_of, write_as

        if path is None:
            return text_of(self, suffix)
        write_as(self, path, suffix)
        return None

    def __getstate__(self) -> dict[str, Any]:
        """Pickled, the Mol keeps its properties and the last digit of its coordinates; by itself it would not."""
        return {**self.__dict__, "mol": None if self.mol is None else self.mol.ToBinary(int(WHOLE_MOL))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, mol=None if state["mol"] is None else Chem.Mol(state["mol"]))

    @staticmethod
    def failure(
        smiles: str, reason: str, num_requested: int, seed: int, seconds: float = 0.0
    ) -> GenerationResult:
        """The result of an input that was not usable."""
        return GenerationResult(smiles, None, "failed", reason, num_requested, seed, seconds=seconds)
