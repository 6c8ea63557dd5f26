"""Part of a molecule that keeps its coordinates: how it is given, found in a molecule, and put back in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from rdkit import Chem

from molediff.core.geometry.kabsch import kabsch
from molediff.molecules.errors import UnusableInputError
from molediff.molecules.generation.check import Check
from molediff.molecules.generation.checks import CHECKS, OF_ALL_TOGETHER, BondLengths, Clashes
from molediff.molecules.generation.grafting import Graft
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.stereo import StereoCheck
from molediff.runtime.checks import is_whole_number

# Before the fixed atoms are set exactly, a sample must have them this near, in Angstrom (root mean square): float32
# leaves 1e-5; more means that the sample was reflected and the fixed part is not its own mirror image.
_MAX_RMSD = 0.05
# Ways to lay a substructure onto a molecule that are tried before giving up; benzene has 12.
_MAX_MATCHES = 1000
_OF_DISTANCES = (BondLengths.name, Clashes.name)


@dataclass(frozen=True)
class FixedPart:
    """What `fixed=` of the generator asks for.

    Attributes:
        positions: in Angstrom, float64, shape (K, 3).
        atoms: K atoms of every molecule; None if the core tells them.
        core: the substructure to look for, without conformers; None if the atoms are given.
    """

    positions: np.ndarray
    atoms: tuple[int, ...] | None = None
    core: Chem.Mol | None = None

    @classmethod
    def read(cls, given: Chem.Mol | Mapping[int, Any] | None) -> FixedPart | None:
        """From a Mol with a 3D conformer (its first), or a mapping of atoms to coordinates; None of None.

        Raises:
            ValueError: it is neither, is empty, or has no usable coordinates.
        """
        if given is None:
            return None
        if isinstance(given, Chem.Mol):
            if given.GetNumConformers() == 0 or not given.GetConformer().Is3D():
                raise ValueError(
                    "The Mol given as `fixed` has no 3D conformer: add one, or give a mapping of atoms to coordinates."
                )
            positions = np.array(given.GetConformer().GetPositions(), dtype=np.float64).reshape(-1, 3)
            atoms, core = None, Chem.Mol(given)
            core.RemoveAllConformers()
        elif isinstance(given, Mapping):
            atoms, core = tuple(given), None
            if not all(is_whole_number(atom) and atom >= 0 for atom in atoms):
                raise ValueError(f"`fixed` maps atom indices (from 0) to coordinates; got the keys {atoms}.")
            try:
                positions = np.array([_triple(point) for point in given.values()]).reshape(-1, 3)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    "`fixed` maps each atom to its coordinates (x, y, z) in Angstrom."
                ) from error
        else:
            raise ValueError(
                "`fixed` must be a Mol with a 3D conformer or a mapping of atom indices to (x, y, z); got "
                f"{type(given).__name__}."
            )
        if len(positions) == 0:
            raise ValueError("`fixed` names no atom: leave it out, or name the atoms to hold.")
        if not np.isfinite(positions).all():
            raise ValueError("The coordinates given as `fixed` are not all finite.")
        return cls(positions, atoms, core)

    def find_in(self, mol: Chem.Mol, stereo: StereoCheck) -> FixedAtoms:
        """The atoms of `mol` (explicit hydrogens) that are fixed.

        Of the ways to lay the substructure onto the molecule, the first that suits its bonds and its stereo is taken;
        if there is none, its hydrogens are left aside, as the molecule may have something else in their place.

        Raises:
            UnusableInputError: the molecule lacks these atoms, or cannot have them at these coordinates.
        """
        matches = self._ways_to_lie_on(mol)
        if not matches and self._has_hydrogens:
            return self._without_hydrogens().find_in(mol, stereo)
        if not matches:
            raise UnusableInputError(
                f"The fixed substructure {Chem.MolToSmiles(self.core)} does not occur in the molecule: give a part of "
                "it, with the same bond orders and charges."
            )
        reason = ""
        kinds = Kinds(mol)
        checks: list[Check] = [make(mol, kinds) for make in CHECKS if make not in OF_ALL_TOGETHER]
        for match in matches:
            x = np.full((mol.GetNumAtoms(), 3), np.nan)
            x[list(match)] = self.positions
            with np.errstate(invalid="ignore"):  # where the others are is not known
                failed = [check.name for check in checks if not check.passes(x[None])[0]]
            if failed:
                what = "bond lengths or contacts" if failed[0] in _OF_DISTANCES else "angles or planes"
                reason = f"its {what} are not those of the molecule"
            elif not stereo.allows(x):
                reason = reason or "its stereo is not that asked for"
            else:
                return FixedAtoms(mol, np.array(match), self.positions)
        raise UnusableInputError(f"The fixed atoms cannot have the coordinates given: {reason}.")

    @property
    def _has_hydrogens(self) -> bool:
        return self.core is not None and any(atom.GetAtomicNum() == 1 for atom in self.core.GetAtoms())

    def _without_hydrogens(self) -> FixedPart:
        core = Chem.RWMol(self.core or Chem.Mol())
        heavy = [atom.GetIdx() for atom in core.GetAtoms() if atom.GetAtomicNum() != 1]
        for atom in reversed(range(core.GetNumAtoms())):
            if atom not in heavy:
                core.RemoveAtom(atom)
        return FixedPart(self.positions[heavy], None, core.GetMol())

    def _ways_to_lie_on(self, mol: Chem.Mol) -> tuple[tuple[int, ...], ...]:
        if self.core is not None:
            return mol.GetSubstructMatches(self.core, uniquify=False, maxMatches=_MAX_MATCHES)
        atoms = self.atoms or ()
        if max(atoms) >= mol.GetNumAtoms():
            raise UnusableInputError(
                f"Atom {max(atoms)} is to be fixed, but the molecule has {mol.GetNumAtoms()} atoms with hydrogens, "
                "numbered from 0."
            )
        return (atoms,)


@dataclass(frozen=True)
class FixedAtoms:
    """Fixed atoms of one molecule.

    Attributes:
        mol: explicit hydrogens.
        atoms: int64, shape (K,).
        positions: in Angstrom, float64, shape (K, 3).
    """

    mol: Chem.Mol
    atoms: np.ndarray
    positions: np.ndarray

    @cached_property
    def graft(self) -> Graft:
        """What puts them into structures."""
        return Graft(self.mol, self.atoms, self.positions)

    def ease(self, checks: Sequence[Check]) -> None:
        """Leave what hangs on these atoms alone out of the checks that are sharper than what crystals have."""
        for check in checks:
            if isinstance(check, OF_ALL_TOGETHER):
                check.leave_out(self.atoms)

    def place(self, x: np.ndarray) -> Placed:
        """Move samples (n, N, 3) in Angstrom rigidly so that the fixed atoms lie where they belong, and set these
        exactly.
        """
        theirs = x[:, self.atoms]
        ours = np.broadcast_to(self.positions, theirs.shape)
        rotation = kabsch(torch.from_numpy(theirs), torch.from_numpy(ours.copy())).numpy()
        shift = self.positions.mean(0) - np.einsum("nij,nj->ni", rotation, theirs.mean(1))
        placed = Placed(x, rotation, shift, np.zeros(len(x), dtype=bool))
        moved = placed.moved(x, slice(None))
        rmsd = np.sqrt(((moved[:, self.atoms] - self.positions) ** 2).sum(-1).mean(-1))
        moved[:, self.atoms] = self.positions
        return Placed(moved, rotation, shift, rmsd < _MAX_RMSD)


@dataclass(frozen=True)
class Placed:
    """Samples in the frame of the fixed atoms.

    Attributes:
        x: in Angstrom, shape (n, N, 3).
        rotation: of each sample, shape (n, 3, 3).
        shift: of each sample after rotation, in Angstrom, shape (n, 3).
        fits: whether the fixed atoms can be where they belong, bool, shape (n,).
    """

    name: ClassVar[str] = "fixed"
    remedy: ClassVar[str] = ""

    x: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    fits: np.ndarray

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Which of the samples, `x` of this object, have their fixed atoms where they belong, bool, shape (n,)."""
        return self.fits

    def moved(self, x: np.ndarray, sample: int | slice) -> np.ndarray:
        """Coordinates (..., N, 3) of a sample, or (n, N, 3) of all, taken along."""
        rotation, shift = self.rotation[sample], self.shift[sample]
        return (x @ np.swapaxes(rotation, -1, -2) + shift[..., None, :]).astype(x.dtype)


def _triple(point: Any) -> tuple[float, float, float]:
    """(x, y, z) of a sequence or of RDKit's Point3D."""
    x, y, z = (point.x, point.y, point.z) if hasattr(point, "x") else point
    return float(x), float(y), float(z)
