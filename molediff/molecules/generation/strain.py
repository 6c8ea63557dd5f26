"""Strain as a check: energy that a conformer gives off on its way to a minimum.

By MMFF94s, a few steps of it, every conformer is checked, as the last thing: what no single bond, angle or twist tells
may still tell together. With GFN2-xTB or AIMNet2, and down to the minimum, whoever asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.foreign_atoms import foreign_atoms
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.energies.relax import METHODS, conformer_energies, relax_conformers
from molediff.molecules.errors import ForceFieldError
from molediff.runtime.checks import check_word, is_positive

_POLYYNE_BOND = Chem.MolFromSmarts("[$(*#*)]-[$(*#*)]")
_STEPS = 5
_MOST = 25.0
_MOST_OF_HEAVY_ATOM = 1.0
"""In kcal/mol. Of 3,448 minima of GFN2-xTB and AIMNet2 in `data/` none gives off more than 20 in so many steps, and one
for each heavy atom, but a cage of four fused rings (22)."""
_MOST_OF_POLYYNE_BOND = 6.0
"""Besides, for each single bond between triple bonds, which MMFF94s makes too long: minima of GFN2-xTB of hexatriyne
and octatetrayne give off 22 and 30."""
_WEAK = 400.0
"""In kcal/mol A^-2: forces F move atoms in wells of stiffness k down by F^2/2k, and what is strained is stiff. Of 3,600
conformers of 90 drug-like molecules, shaken ones among them, those whose F^2 was below 400 times the limit gave off at
most 0.36 of it; of molecules that were stretched as a whole, whose forces cancel, 0.8."""
_MANY = 8  # conformers, from which on forces of all at once are cheaper than steps of each


class QuickStrain:
    """No more than 25 kcal/mol, and one for each heavy atom, are given off in the first five steps of MMFF94s.

    Of molecules that MMFF94s does not describe, or with an atom that it takes for another, all conformers pass.

    Args:
        mol: sanitized, explicit hydrogens.
    """

    name = "strain"
    remedy = ""

    def __init__(self, mol: Chem.Mol):
        self._limit = _MOST + _MOST_OF_HEAVY_ATOM * mol.GetNumHeavyAtoms()
        self._limit += _MOST_OF_POLYYNE_BOND * len(mol.GetSubstructMatches(_POLYYNE_BOND))
        self._mol = mol
        self._field: MMFF | None = None
        self._is_ready = False

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether the conformers give off little, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        field = self._force_field()
        if field is None:
            return np.ones(len(x), dtype=bool)
        passes = np.zeros(len(x), dtype=bool)
        if len(x) >= _MANY:
            forces = field.forces(x)
            passes = (forces**2).sum((1, 2)) < _WEAK * self._limit  # False for what is no number
        others = np.flatnonzero(~passes)
        passes[others] = field.given_off(x[others], _STEPS) <= self._limit
        return passes

    def _force_field(self) -> MMFF | None:
        """MMFF94s of the molecule, set up when the first conformer comes; None if it does not describe it."""
        if not self._is_ready:
            self._is_ready = True
            try:
                self._field = None if foreign_atoms(self._mol) else MMFF(self._mol)
            except ForceFieldError:
                self._field = None
        return self._field


@dataclass(frozen=True)
class Strain:
    """A check to ask for: `generate_many(smiles, checks=[Strain("gfn2", 15.0)])`.

    A conformer passes if it lies no more than the limit above the minimum that it relaxes to. One whose energy cannot
    be computed fails; of a molecule that the method does not describe all pass.

    Args:
        method: "mmff" (MMFF94s), "gfn2" (GFN2-xTB, the extra xtb; about 0.25 s a conformer) or "aimnet2" (AIMNet2, the
            extra aimnet2).
        limit: in kcal/mol. Good samples of `qm9` lie below 5, its worst ones between 10 and 15.

    Raises:
        ValueError: there is no such method, or the limit is not above 0.
    """

    method: str = "gfn2"
    limit: float = 15.0

    def __post_init__(self) -> None:
        check_word("method", self.method, tuple(METHODS))
        if not is_positive(self.limit):
            raise ValueError(f"limit must be an energy above 0 in kcal/mol; got {self.limit!r}.")

    def __call__(self, mol: Chem.Mol) -> _StrainCheck:
        """The check of one molecule (sanitized, explicit hydrogens)."""
        return _StrainCheck(mol, self.method, self.limit)


class _StrainCheck:
    name = "strain"
    remedy = ""

    def __init__(self, mol: Chem.Mol, method: str, limit: float):
        self._mol, self._method, self._limit = mol, method, limit

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether the conformers lie near their minima, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        mol = with_conformers(self._mol, list(x))
        try:
            before = conformer_energies(mol, self._method)
            after = relax_conformers(mol, self._method).energies
        except ForceFieldError:
            return np.ones(len(x), dtype=bool)
        return np.asarray(before - after <= self._limit)  # NaN is not
