"""MMFF94s: energies of conformers and the minima next to them, where the force field knows the molecule.

Source: Halgren 1999, MMFF VI (MMFF94s); Tosco et al. 2014 (the implementation in RDKit).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.descent import Descent
from molediff.molecules.energies.foreign_atoms import foreign_atoms, stand_in, with_foreign
from molediff.molecules.energies.mmff_field import MMFFField
from molediff.molecules.energies.mmff_terms import MMFFTerms, heterocumulenes
from molediff.molecules.energies.stiffness import Stiffness
from molediff.molecules.errors import ForceFieldError

VARIANT = "MMFF94s"

_NUMBERS_AT_ONCE = 4_000_000  # of the model Hessians of conformers that are lowered together: bounds memory

MAX_ITERATIONS = 2000
"""Most steps of a relaxation; almost all end long before."""

# A multiple bond whose rest length is nearly that of a single bond, as a share of the sum of RDKit's covalent radii.
# For a bond without parameters MMFF94 falls back on an empirical rule, and makes it a single bond: C=O of carbon
# dioxide, C=S of an isothiocyanate and C#N of a nitrile oxide lie at 0.98 to 1.0, N#N at 1.03. Of 6000 molecules of
# drug size no bond that has parameters lies above 0.91.
_AS_LONG_AS_SINGLE = 0.95
# Of molecules; of others there are ions alone.
_ELEMENTS = frozenset(["H", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I"])
_MULTIPLE = {Chem.BondType.DOUBLE: "=", Chem.BondType.TRIPLE: "#"}
_TABLE = Chem.GetPeriodicTable()


class RelaxedConformer(NamedTuple):
    """Energy in kcal/mol where a relaxation ended, and whether that is a minimum (else it ran out of steps)."""

    energy: float
    converged: bool


class MMFF:
    """MMFF94s of one molecule.

    Args:
        mol: explicit hydrogens, conformers.
        charges: whether charges act. They do in vacuum, where they pull a molecule together; in a crystal or in water
            its surroundings take most of that away.
        amended: give heterocumulenes (C-N=C=X), nitrosamines and azo groups the shape that they have, and MMFF94s has
            not, and describe boron and other foreign atoms (`foreign_atoms`) after their minima, in what is done to
            many conformers at once: `forces`, `lowered` and `descent`. A molecule with foreign atoms has nothing else.
        held: atoms that stay where they are in `lowered` and `descent`.

    Raises:
        ForceFieldError: MMFF94s has no parameters for the molecule, or describes one of its bonds wrongly.
    """

    def __init__(self, mol: Chem.Mol, charges: bool = True, amended: bool = False, held: Sequence[int] = ()):
        self.mol, self._amended, self._held = mol, amended, held
        self._foreign = foreign_atoms(mol) if amended else []
        # RDKit leaves a Mol whose types it has found with MMFF's idea of aromaticity, in which pyridones have none.
        self._known = stand_in(mol, self._foreign) if self._foreign else Chem.Mol(mol)
        self._known.RemoveAllConformers()
        self._properties: Any = rdForceFieldHelpers.MMFFGetMoleculeProperties(
            self._known, mmffVariant=VARIANT
        )
        if self._properties is None:
            foreign = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - _ELEMENTS)
            why = f" ({', '.join(foreign)} is none of its elements)" if foreign else ""
            raise ForceFieldError(f"{VARIANT} has no parameters for this molecule{why}")
        self._properties.SetMMFFEleTerm(charges)
        self._charges = charges
        self._fields: dict[bool, tuple[MMFFField, Stiffness]] = {}
        mended = {frozenset(found[2:]) for found in heterocumulenes(mol)} if amended else set()
        for bond in self._known.GetBonds():
            ends = {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
            if ends not in mended and not ends.intersection(self._foreign):
                self._check(bond)

    def _check(self, bond: Chem.Bond) -> None:
        if bond.GetBondType() not in _MULTIPLE:
            return
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        stretch = self._properties.GetMMFFBondStretchParams(self._known, begin.GetIdx(), end.GetIdx())
        single = _TABLE.GetRcovalent(begin.GetAtomicNum()) + _TABLE.GetRcovalent(end.GetAtomicNum())
        if stretch is not None and stretch[2] > _AS_LONG_AS_SINGLE * single:
            name = f"{begin.GetSymbol()}{_MULTIPLE[bond.GetBondType()]}{end.GetSymbol()}"
            raise ForceFieldError(
                f"force field not applicable: {VARIANT} has no parameters of this {name} bond and makes it "
                f"{stretch[2]:.2f} Angstrom long, as a single bond"
            )

    def energy(self, conf_id: int = -1) -> float:
        """Energy of a conformer in kcal/mol."""
        field, _points = self._field(self.mol.GetConformer(conf_id).GetPositions())
        return float(field.CalcEnergy())

    def forces(self, x: np.ndarray) -> np.ndarray:
        """Forces in kcal/mol/A at points (n, N, 3) in Angstrom, of the same shape, all at once."""
        field, _ = self._at_once(self._charges)
        return field(torch.from_numpy(np.asarray(x)).float())[1].double().numpy()

    def given_off(self, x: np.ndarray, num_steps: int) -> np.ndarray:
        """Energy in kcal/mol, shape (n,), that points (n, N, 3) in Angstrom lose in so many steps towards a minimum."""
        given_off = np.zeros(len(x))
        field, conformer = self._field(np.zeros((self.mol.GetNumAtoms(), 3)))
        for i, positions in enumerate(x):
            conformer.SetPositions(np.ascontiguousarray(positions, dtype=np.float64))
            field.Initialize()  # else distances are those of the conformer before
            before = field.CalcEnergy()
            field.Minimize(maxIts=num_steps)
            given_off[i] = before - field.CalcEnergy()
        return given_off

    def relax(
        self, conf_id: int = -1, fixed: Collection[int] = (), max_iterations: int = MAX_ITERATIONS
    ) -> RelaxedConformer:
        """Move a conformer, in place, to the next minimum, or towards it for `max_iterations` steps.

        Args:
            conf_id: id of the conformer; -1 is the first.
            fixed: atoms that stay where they are.
            max_iterations: most steps.
        """
        own = self.mol.GetConformer(conf_id)
        field, moved = self._field(own.GetPositions())
        for atom in fixed:
            field.AddFixedPoint(int(atom))
        unfinished = field.Minimize(maxIts=max_iterations)
        own.SetPositions(moved.GetPositions())
        return RelaxedConformer(float(field.CalcEnergy()), not unfinished)

    def lowered(
        self,
        x: np.ndarray,
        num_evaluations: int,
        out_of_time: Callable[[], bool] = lambda: False,
        charges: bool | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, N, 3) in Angstrom further down the energy, all at once, and the energies there in kcal/mol, (n,).

        Those not finite stay, and have none (NaN).

        Args:
            x: before.
            num_evaluations: of forces: ten come about as far down as sixty steps of `relax`.
            out_of_time: once it says yes, they are left where they are.
            charges: whether charges act here; None: as they do otherwise.
        """
        descent = self.descent(x, charges)
        descent.go_on(num_evaluations - 1, out_of_time)
        return descent.x, descent.energies

    def descent(self, x: np.ndarray, charges: bool | None = None) -> MMFFDescent:
        """The same in parts, between which some points may be left; see `lowered`."""
        field, stiffness = self._at_once(self._charges if charges is None else charges)
        return MMFFDescent(field, stiffness, x, self._held)

    def _at_once(self, charges: bool) -> tuple[MMFFField, Stiffness]:
        if charges not in self._fields:
            terms = self._terms if charges else self._terms.without_charges()
            field = MMFFField(terms.to(torch.device("cpu"), torch.float32), self.mol.GetNumAtoms())
            self._fields[charges] = field, Stiffness(field)
        return self._fields[charges]

    @cached_property
    def _terms(self) -> MMFFTerms:
        if not self._foreign:
            return MMFFTerms.of(self._known, self._properties, self._amended)
        charges = {
            place: self.mol.GetAtomWithIdx(place).GetFormalCharge()
            - self._known.GetAtomWithIdx(place).GetFormalCharge()
            for place in self._foreign
        }
        terms = MMFFTerms.of(self._known, self._properties, self._amended, charges)
        return with_foreign(terms, self.mol, self._foreign)

    def _field(self, x: np.ndarray) -> tuple[Any, Chem.Conformer]:
        """RDKit's force field at points (N, 3), and the conformer whose points it reads and moves: hold on to both."""
        if self._foreign:
            raise ForceFieldError(
                f"{VARIANT} has no parameters for this molecule; amended, it gives forces and descents alone"
            )
        mol = with_conformers(self._known, [x])
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, self._properties)
        field.Initialize()
        return field, mol.GetConformer()


class MMFFDescent:
    """Points on their way down the energy, which can be stopped, thinned out and gone on with.

    Args:
        field: of the molecule.
        stiffness: of the molecule.
        x: shape (n, N, 3), in Angstrom. Those not finite stay, and have no energy (NaN).
        held: atoms that stay where they are.
    """

    def __init__(
        self, field: MMFFField, stiffness: Stiffness, x: np.ndarray, held: Sequence[int] = ()
    ) -> None:
        self._start = np.array(x, dtype=np.float64)
        most = max(1, _NUMBERS_AT_ONCE // (3 * field.num_atoms) ** 2)
        parts = [torch.from_numpy(self._start[i : i + most]).float() for i in range(0, len(x), most)]
        places = torch.tensor(held, dtype=torch.int64) if held else None
        self._parts = [Descent(field, stiffness, part, places) for part in parts]

    @property
    def x(self) -> np.ndarray:
        """Where they are, shape (n, N, 3), in Angstrom."""
        if not self._parts:
            return self._start
        found = torch.cat([part.x for part in self._parts]).double().numpy()
        finite = np.isfinite(self._start).all(axis=(1, 2), keepdims=True)
        return np.where(finite, found, self._start)

    @property
    def energies(self) -> np.ndarray:
        """There, in kcal/mol, shape (n,)."""
        return np.concatenate([np.empty(0), *(part.energy.double().numpy() for part in self._parts)])

    def go_on(self, num_steps: int, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """So many steps, one evaluation of forces each; once the time is out they are left where they are."""
        for part in self._parts:
            part.go_on(num_steps, out_of_time)

    def keep(self, rows: np.ndarray) -> None:
        """Go on with these alone, by position, ascending, shape (k,)."""
        self._start, begin = self._start[rows], 0
        for part in self._parts:
            end = begin + len(part.x)
            part.keep(torch.from_numpy(rows[(rows >= begin) & (rows < end)] - begin))
            begin = end
