"""Reference ensembles: the minima of a molecule on the energy surface of GFN2-xTB.

Seeds of several kinds are relaxed in a force field; what is new among the force field's minima goes to GFN2-xTB; what
comes back with the graph and the stereo asked for, is no duplicate and lies in the energy window is the ensemble. Of a
molecule that equals its mirror image every minimum has a mirror image of the same energy, which is added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolAlign

from molediff.molecules.canonical import PerceptionError
from molediff.molecules.perception import perceive
from molediff.molecules.result import with_conformers
from molediff.molecules.seeds import OWN, Seed, make_seeds
from molediff.molecules.stereo import reflected
from molediff.molecules.xtb import MAX_GRADIENT, XTBFailed, relax

KCAL_PER_KELVIN = 0.0019872043  # Boltzmann's constant times Avogadro's number, CODATA 2018

# Two geometries are one minimum if they agree in both: the thresholds of CREST (Pracht, Bohle, Grimme 2020, Phys. Chem.
# Chem. Phys. 22, 7169), whose RMSD is of all atoms.
DUPLICATE_RMSD = 0.125  # Angstrom, heavy atoms
DUPLICATE_ENERGY = 0.05  # kcal/mol

LOW_WINDOW = 2.5
"""kcal/mol above the lowest minimum: those that matter at room temperature, by which completeness is judged."""

# Relaxation keeps a symmetry of its start and would end on a pass between two minima.
_JITTER = 0.01  # Angstrom, standard deviation
_FORCE_FIELD_STEPS = 2000
_MAX_MATCHES = 1000


class NoEnsemble(ValueError):
    """Not one minimum was found; the message is the reason."""


@dataclass(frozen=True)
class Recipe:
    """How minima are searched.

    Attributes:
        num_seeds: starting geometries (see `seeds.make_seeds`).
        window: highest energy above the lowest minimum that is kept, in kcal/mol.
        force_field_window: starts higher than this above the force field's lowest are not tried, in kcal/mol.
        temperature: of the Boltzmann weights, in Kelvin.
        max_gradient: where a relaxation ends, largest component in kcal/mol/Angstrom.
        seed: of the random numbers.

    Raises:
        ValueError: a setting is out of range.
    """

    num_seeds: int = 100
    window: float = 6.0
    force_field_window: float = 15.0
    temperature: float = 298.15
    max_gradient: float = MAX_GRADIENT
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("num_seeds", "window", "force_field_window", "temperature", "max_gradient"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} of an ensemble must be above 0; got {getattr(self, name)}")
        if self.num_seeds < 2 or self.seed < 0:
            raise ValueError(
                f"an ensemble needs at least 2 seeds and a seed of at least 0; got {self.num_seeds}, {self.seed}"
            )


class Minimum(NamedTuple):
    """A minimum of GFN2-xTB: positions (N, 3) in Angstrom, total energy in kcal/mol, where its start came from."""

    positions: np.ndarray
    energy: float
    source: str


@dataclass(frozen=True)
class Ensemble:
    """The minima of one molecule, the lowest first.

    Attributes:
        mol: the molecule as `Chem.AddHs(Chem.MolFromSmiles(smiles))` gives it, with K conformers.
        smiles: canonical isomeric SMILES.
        energies: above the lowest, in kcal/mol, shape (K,).
        weights: Boltzmann weights, shape (K,), of sum 1; a minimum counts once however many rotamers it stands for.
        sources: how the start of each was made, K words.
        lowest: GFN2-xTB energy of the lowest, in kcal/mol.
        num_seeds: starting geometries.
        num_relaxed: relaxations by GFN2-xTB.
        num_low: minima within `LOW_WINDOW`.
        num_low_by_half: how many the first half of the seeds had found.
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
    num_rejected: dict[str, int]


def build_ensemble(mol: Chem.Mol, recipe: Recipe = Recipe()) -> Ensemble:
    """Search the minima of one molecule.

    Args:
        mol: as `Chem.AddHs(Chem.MolFromSmiles(smiles))` gives it with a SMILES that states all its stereo, with or
            without its own geometry as first conformer.
        recipe: how to search.

    Raises:
        NoEnsemble: no minimum has the graph and the stereo asked for.
        ImportError: tblite is not installed.
    """
    search = Search(mol, recipe)
    seeds = list(make_seeds(mol, recipe.num_seeds, recipe.seed))
    search.add(seeds[: recipe.num_seeds // 2])
    by_half = search.distinct()
    search.add(seeds[recipe.num_seeds // 2 :])
    minima = search.distinct()
    if not minima:
        counts = ", ".join(f"{count} {reason}" for reason, count in search.num_rejected.items())
        raise NoEnsemble(
            f"no minimum from {len(seeds)} seeds ({counts or 'no starting geometry'}): state all stereo, and check "
            "that it is possible"
        )
    kept = within(minima, recipe.window)
    energies = np.array([minimum.energy for minimum in kept]) - kept[0].energy
    return Ensemble(
        mol=with_conformers(mol, [minimum.positions for minimum in kept]),
        smiles=search.smiles,
        energies=energies,
        weights=boltzmann_weights(energies, recipe.temperature),
        sources=[minimum.source for minimum in kept],
        lowest=kept[0].energy,
        num_seeds=len(seeds),
        num_relaxed=search.num_relaxed,
        num_low=len(within(minima, LOW_WINDOW)),
        num_low_by_half=sum(minimum.energy - kept[0].energy <= LOW_WINDOW for minimum in by_half),
        num_rejected=dict(search.num_rejected),
    )


def boltzmann_weights(energies: np.ndarray, temperature: float) -> np.ndarray:
    """exp(-E/kT) / sum, shape (K,); energies in kcal/mol, temperature in Kelvin."""
    factors = np.exp(-(energies - energies.min()) / (KCAL_PER_KELVIN * temperature))
    return factors / factors.sum()


def within(minima: Sequence[Minimum], window: float) -> list[Minimum]:
    """The minima up to `window` kcal/mol above the lowest, which comes first."""
    return [minimum for minimum in minima if minimum.energy - minima[0].energy <= window]


def distinct_minima(mol: Chem.Mol, minima: Sequence[Minimum]) -> list[Minimum]:
    """The minima without duplicates, by rising energy; of duplicates the lowest stays."""
    kept: list[Minimum] = []
    for minimum in sorted(minima, key=lambda minimum: minimum.energy):
        if not is_known(mol, minimum, kept):
            kept.append(minimum)
    return kept


def is_known(mol: Chem.Mol, minimum: Minimum, others: Sequence[Minimum]) -> bool:
    """Whether one of `others` has the same energy and, up to rotations and symmetries, the same heavy atoms."""
    near = [other for other in others if abs(other.energy - minimum.energy) < DUPLICATE_ENERGY]
    if not near:
        return False
    heavy = Chem.RemoveHs(with_conformers(mol, [minimum.positions, *(other.positions for other in near)]))
    return any(
        rdMolAlign.GetBestRMS(Chem.Mol(heavy), heavy, 0, place, maxMatches=_MAX_MATCHES) < DUPLICATE_RMSD
        for place in range(1, len(near) + 1)
    )


@dataclass
class Search:
    """What has been found of a molecule so far.

    Args:
        mol: see `build_ensemble`.
        recipe: see there.
    """

    mol: Chem.Mol
    recipe: Recipe
    num_rejected: Counter[str] = field(default_factory=Counter)
    num_relaxed: int = 0
    _starts: list[Minimum] = field(default_factory=list)
    _minima: list[Minimum] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.smiles = Chem.MolToSmiles(Chem.RemoveHs(self.mol))
        self._is_own_mirror_image = equals_its_mirror_image(self.mol)
        self._elements = [atom.GetAtomicNum() for atom in self.mol.GetAtoms()]
        self._random = np.random.default_rng(self.recipe.seed)

    def add(self, seeds: Sequence[Seed]) -> None:
        """Relax these seeds, in the force field and, where that gives something new, by GFN2-xTB."""
        starts = [start for seed in seeds for start in self._force_field_minima(seed)]
        for start in sorted(starts, key=lambda start: start.energy):
            lowest = min([start.energy, *(known.energy for known in self._starts)])
            tried = self._with_mirror_images(self._starts)
            if start.energy - lowest > self.recipe.force_field_window or is_known(self.mol, start, tried):
                continue
            self._starts.append(start)
            self._relax(start.positions, start.source)
        for seed in seeds:
            if seed.source == OWN:  # as it is: what a force field does to a strained cage may not be undone
                self._relax(seed.positions, OWN)

    def distinct(self) -> list[Minimum]:
        """All minima so far, with mirror images and without duplicates, the lowest first."""
        return distinct_minima(self.mol, self._with_mirror_images(self._minima))

    def _force_field_minima(self, seed: Seed) -> list[Minimum]:
        """The minimum of MMFF94s, or of UFF, below a seed; none without parameters."""
        mol = with_conformers(self.mol, [seed.positions])
        parameters = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
        if parameters is not None:
            force_field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, parameters)
        elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
            force_field = rdForceFieldHelpers.UFFGetMoleculeForceField(mol)
        else:
            return [Minimum(seed.positions, 0.0, seed.source)]
        force_field.Initialize()
        force_field.Minimize(maxIts=_FORCE_FIELD_STEPS)
        return [Minimum(mol.GetConformer().GetPositions(), force_field.CalcEnergy(), seed.source)]

    def _relax(self, positions: np.ndarray, source: str) -> None:
        self.num_relaxed += 1
        mol = with_conformers(
            self.mol, [positions + self._random.normal(scale=_JITTER, size=positions.shape)]
        )
        try:
            energy = relax(mol, max_gradient=self.recipe.max_gradient)
        except XTBFailed:
            self.num_rejected["without a minimum"] += 1
            return
        minimum = self._as_asked(Minimum(mol.GetConformer().GetPositions(), energy, source))
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
