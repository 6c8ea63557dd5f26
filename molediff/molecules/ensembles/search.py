"""Reference ensembles: the minima of a molecule on the energy surface of GFN2-xTB, or of AIMNet2.

Starting geometries of several kinds are relaxed in a force field; what is new among the force field's minima goes to
the method whose minima count. That has minima which the force field lacks, so that other starts go to it directly. What
comes back with the graph and the stereo asked for, is no duplicate and lies in the energy window is the ensemble. Of a
molecule that equals its mirror image every minimum has a mirror image of the same energy, which is added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import boltzmann_weights, with_conformers
from molediff.molecules.energies.mmff import MAX_ITERATIONS
from molediff.molecules.ensembles.engines import MINIMIZERS, relax_in_force_field
from molediff.molecules.ensembles.minima import Minimum, distinct_minima, is_known, num_low, within
from molediff.molecules.ensembles.recipe import Recipe
from molediff.molecules.ensembles.starts import OWN, Start, make_starts
from molediff.molecules.errors import EnsembleError, ForceFieldError, PerceptionError
from molediff.molecules.hydrogens import bare_smiles
from molediff.molecules.perception.bonds import perceive
from molediff.molecules.perception.stereo import reflected
from molediff.runtime.former import former_names
from molediff.runtime.words import counted

_COMPLETE = 0.05  # growth of the number of low minima at which a search ends

# Relaxation keeps a symmetry of its start and would end on a pass between two minima.
_JITTER = 0.01  # Angstrom, standard deviation
# Of a start that goes to the minimizer directly: enough to part atoms that random torsions have put on top of each
# other, too few to turn torsions into the force field's minima.
_PARTING_STEPS = 30


__getattr__ = former_names(__name__, {"NoEnsemble": "EnsembleError"})


Minimizer = Callable[[Chem.Mol, float], np.ndarray]
"""Moves the n conformers of a molecule, in place, to the next minima that count, where the largest component of the
gradient is below so many kcal/mol/Angstrom; their energies in kcal/mol, shape (n,), NaN where it finds none."""


@dataclass(frozen=True)
class FoundMinima:
    """The minima of one molecule, the lowest first.

    Attributes:
        mol: the molecule as `Chem.AddHs(Chem.MolFromSmiles(smiles))` gives it, with K conformers.
        smiles: canonical isomeric SMILES.
        energies: above the lowest, in kcal/mol, shape (K,).
        weights: Boltzmann weights, shape (K,), of sum 1; a minimum counts once however many rotamers it stands for.
        sources: how the start of each was made, K words.
        lowest: energy of the lowest, in kcal/mol.
        num_seeds: starting geometries.
        num_relaxed: relaxations by the method of the recipe.
        num_low: minima within `LOW_WINDOW` that were found by way of the force field.
        num_low_by_half: how many there were before the seeds were last doubled.
        num_low_direct: how many more the direct starts found.
        num_rejected: relaxations without use, by reason.
    """

    mol: Chem.Mol
    smiles: str
    energies: np.ndarray
    weights: np.ndarray
    sources: list[str]
    lowest: float
    num_seeds: int
    num_relaxed: int
    num_low: int
    num_low_by_half: int
    num_low_direct: int
    num_rejected: dict[str, int]


_DEFAULT = Recipe()


def build_ensemble(
    mol: Chem.Mol,
    recipe: Recipe = _DEFAULT,
    force_field: Callable[[Chem.Mol, int], float] = relax_in_force_field,
    minimizer: Minimizer | None = None,
) -> FoundMinima:
    """Search the minima of one molecule.

    Args:
        mol: as `Chem.AddHs(Chem.MolFromSmiles(smiles))` gives it with a SMILES that states all its stereo, with or
            without its own geometry as first conformer.
        recipe: how to search.
        force_field: see `Search`.
        minimizer: None takes that of the recipe's method.

    Raises:
        EnsembleError: no minimum has the graph and the stereo asked for, or the method does not describe the molecule.
        ImportError: the method is not installed.
    """
    try:
        return _search(Search(mol, recipe, force_field, minimizer or MINIMIZERS[recipe.method]))
    except ForceFieldError as error:
        raise EnsembleError(str(error)) from error


def _search(search: Search) -> FoundMinima:
    mol, recipe = search.mol, search.recipe
    starts = make_starts(mol, recipe.max_seeds, recipe.seed)
    first = list(islice(starts, recipe.num_seeds // 2))
    search.add(first)
    num_starts, minima = len(first), search.distinct()
    by_half = minima
    while more := list(islice(starts, num_starts)):
        search.add(more)
        num_starts += len(more)
        by_half, minima = minima, search.distinct()
        if num_starts >= recipe.num_seeds and not _found_more(minima, by_half):
            break
    through_force_field = minima
    if recipe.num_direct:
        num_starts += search.add_directly(minima)
        minima = search.distinct()
    if not minima:
        counts = ", ".join(f"{count} {reason}" for reason, count in search.num_rejected.items())
        raise EnsembleError(
            f"no minimum from {counted(num_starts, 'start')} ({counts or 'no starting geometry'}): "
            "state all stereo, and check "
            "that it is possible"
        )
    kept = within(minima, recipe.window)
    energies = np.array([minimum.energy for minimum in kept]) - kept[0].energy
    return FoundMinima(
        mol=with_conformers(mol, [minimum.positions for minimum in kept]),
        smiles=search.smiles,
        energies=energies,
        weights=boltzmann_weights(energies, recipe.temperature),
        sources=[minimum.source for minimum in kept],
        lowest=kept[0].energy,
        num_seeds=num_starts,
        num_relaxed=search.num_relaxed,
        num_low=num_low(through_force_field, minima),
        num_low_by_half=num_low(by_half, minima),
        num_low_direct=num_low(minima, minima) - num_low(through_force_field, minima),
        num_rejected=dict(search.num_rejected),
    )


def _found_more(minima: Sequence[Minimum], before: Sequence[Minimum]) -> bool:
    """Whether `minima` has so many more low ones than `before` that there may be more to find."""
    return num_low(minima, minima) > (1 + _COMPLETE) * num_low(before, minima)


@dataclass
class Search:
    """What has been found of a molecule so far.

    Args:
        mol: see `build_ensemble`.
        recipe: see there.
        force_field: moves the first conformer of a molecule downhill, in place, for so many steps at most, and returns
            its energy in kcal/mol.
        minimizer: see `Minimizer`.
    """

    mol: Chem.Mol
    recipe: Recipe
    force_field: Callable[[Chem.Mol, int], float]
    minimizer: Minimizer
    num_rejected: Counter[str] = field(default_factory=Counter)
    num_relaxed: int = 0
    _tried: list[Minimum] = field(default_factory=list)
    _minima: list[Minimum] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.smiles = bare_smiles(self.mol)
        self._is_own_mirror_image = equals_its_mirror_image(self.mol)
        self._elements = [atom.GetAtomicNum() for atom in self.mol.GetAtoms()]
        self._random = np.random.default_rng(self.recipe.seed)

    def add(self, starts: Sequence[Start]) -> None:
        """Relax starting geometries in the force field and, where that gives something new, by the minimizer."""
        chosen: list[Start] = []
        minima = [self._force_field_minimum(start) for start in starts]
        for minimum in sorted(minima, key=lambda minimum: minimum.energy):
            lowest = min([minimum.energy, *(known.energy for known in self._tried)])
            tried = self._with_mirror_images(self._tried)
            if minimum.energy - lowest > self.recipe.force_field_window or is_known(self.mol, minimum, tried):
                continue
            self._tried.append(minimum)
            chosen.append(Start(minimum.positions, minimum.source))
        # Its own geometry as it is: what a force field does to a strained cage may not be undone.
        self._relax([*chosen, *(start for start in starts if start.source == OWN)])

    def add_directly(self, minima: Sequence[Minimum]) -> int:
        """Relax new starts without the force field's minima in between, as long as that adds to `minima`.

        Returns:
            How many starts they were.
        """
        recipe, blank = self.recipe, Chem.Mol(self.mol)
        blank.RemoveAllConformers()
        starts = make_starts(blank, recipe.max_direct, recipe.seed + 1)
        num_starts = 0
        while batch := list(islice(starts, recipe.num_direct)):
            parted = [self._force_field_minimum(start, _PARTING_STEPS) for start in batch]
            self._relax([Start(one.positions, f"{one.source}, direct") for one in parted])
            num_starts += len(batch)
            before, minima = minima, self.distinct()
            if not _found_more(minima, before):
                break
        return num_starts

    def distinct(self) -> list[Minimum]:
        """All minima so far, with mirror images and without duplicates, the lowest first."""
        return distinct_minima(self.mol, self._with_mirror_images(self._minima))

    def _force_field_minimum(self, start: Start, num_steps: int = MAX_ITERATIONS) -> Minimum:
        """The minimum of the force field below a start, or what is on the way to it after so many steps."""
        mol = with_conformers(self.mol, [start.positions])
        energy = self.force_field(mol, num_steps)
        return Minimum(mol.GetConformer().GetPositions(), energy, start.source)

    def _relax(self, starts: Sequence[Start]) -> None:
        self.num_relaxed += len(starts)
        shape = (self.mol.GetNumAtoms(), 3)
        mol = with_conformers(
            self.mol,
            [start.positions + self._random.normal(scale=_JITTER, size=shape) for start in starts],
        )
        energies = self.minimizer(mol, self.recipe.max_gradient)
        for start, conformer, energy in zip(starts, mol.GetConformers(), energies, strict=True):
            if np.isnan(energy):
                self.num_rejected["without a minimum"] += 1
                continue
            minimum = self._as_asked(Minimum(conformer.GetPositions(), float(energy), start.source))
            if minimum is None:
                self.num_rejected["of another graph or stereo"] += 1
            else:
                self._minima.append(minimum)

    def _as_asked(self, minimum: Minimum) -> Minimum | None:
        """The minimum with its atoms in the order of the SMILES; None if it is not the molecule asked for."""
        try:
            found = perceive(self.smiles, self._elements, minimum.positions)
        except PerceptionError:
            return None
        if found.smiles != self.smiles:
            return None
        return minimum._replace(positions=found.mol.GetConformer().GetPositions())

    def _with_mirror_images(self, minima: Sequence[Minimum]) -> list[Minimum]:
        if not self._is_own_mirror_image:
            return list(minima)
        return [
            *minima,
            *(minimum._replace(positions=reflected(minimum.positions)) for minimum in minima),
        ]


def equals_its_mirror_image(mol: Chem.Mol) -> bool:
    """Whether the graph with its stereo is its own mirror image: no centres, or a meso form."""
    mirrored = Chem.RemoveHs(mol)
    smiles = Chem.MolToSmiles(mirrored)
    for atom in mirrored.GetAtoms():
        atom.InvertChirality()
    return bool(Chem.MolToSmiles(mirrored) == smiles)
