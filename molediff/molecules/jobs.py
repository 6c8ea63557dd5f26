"""One molecule on its way through the generator: what it still needs, what it has, and its result."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem

from molediff.molecules.checks import GeometryCheck, bond_length
from molediff.molecules.inputs import PreparedMolecule
from molediff.molecules.options import GenerationOptions
from molediff.molecules.relax import NoForceField, distinct_conformers, mmff_energies, mmff_relax
from molediff.molecules.result import GenerationResult, Trajectory, with_conformers
from molediff.molecules.sampling import Demand, RawSamples
from molediff.molecules.stereo import StereoCheck, reflected

# The order in which a sample is checked; it is counted under the first that it fails.
CHECKS = ("not_finite", "stereo", "bond_length", "clash")


@dataclass(frozen=True)
class Accepted:
    """A sample that passed all checks: x (N, 3) in Angstrom; its frames x_t and x_0_hat (S, N, 3), if kept."""

    x: np.ndarray
    x_t: np.ndarray | None = None
    x_0_hat: np.ndarray | None = None


@dataclass
class Job:
    """State of one molecule.

    Attributes:
        prepared: the molecule.
        options: what was asked for.
        trained_atoms: atoms of the largest training molecule, or None if unknown.
        seconds: time spent so far.
    """

    prepared: PreparedMolecule
    options: GenerationOptions
    trained_atoms: int | None
    seconds: float
    _taken: dict[int, Accepted] = field(default_factory=dict)
    _rejected: Counter[str] = field(default_factory=Counter)
    _times: np.ndarray | None = None
    _num_drawn: int = 0
    _num_reflected: int = 0

    def __post_init__(self) -> None:
        start = time.perf_counter()
        self.geometry = GeometryCheck(self.prepared.mol)
        self.stereo = StereoCheck(self.prepared.mol, self.prepared.graph)
        if self.prepared.num_atoms <= 2:
            self._place_directly()
        self.seconds += time.perf_counter() - start

    def demand(self) -> Demand[Job] | None:
        """The conformers still missing, None if there are none."""
        missing = tuple(slot for slot in range(self.options.num_conformers) if slot not in self._taken)
        return Demand(self, self.prepared.num_atoms, missing) if missing else None

    def examine(self, slots: tuple[int, ...], raw: RawSamples) -> None:
        """Check samples drawn for `slots`; keep the good ones, count the others."""
        start = time.perf_counter()
        x = raw.x
        finite = np.isfinite(x).all(axis=(1, 2))
        verdict = self.stereo.correct(np.where(finite[:, None, None], x, 0.0))
        passed = {
            "not_finite": finite,
            "stereo": verdict.right,
            "bond_length": self.geometry.bonds_hold(verdict.x),
            "clash": self.geometry.atoms_keep_apart(verdict.x),
        }
        good = np.ones(len(x), dtype=bool)
        for name in CHECKS:
            self._rejected[name] += int((good & ~passed[name]).sum())
            good &= passed[name]
        self._num_drawn += len(x)
        self._num_reflected += int((verdict.right & verdict.reflected).sum())
        self._times = raw.times
        for i in np.flatnonzero(good):
            frames = [] if raw.x_t is None or raw.x_0_hat is None else [raw.x_t[:, i], raw.x_0_hat[:, i]]
            if verdict.reflected[i]:
                frames = [reflected(x) for x in frames]
            self._taken[slots[i]] = Accepted(verdict.x[i], *frames)
        self.seconds += time.perf_counter() - start

    def finish(self) -> GenerationResult:
        """Build the Mol, relax, compute energies, prune."""
        start = time.perf_counter()
        slots = sorted(self._taken)
        mol = with_conformers(self.prepared.mol, [self._taken[slot].x for slot in slots])
        energies, problem, notes = None, None, []
        try:
            if self.options.relax and slots:
                mol, slots = self._relaxed(mol, slots)
            if self.options.energies and slots:
                energies = mmff_energies(mol)
        except NoForceField as error:
            asked = "relaxed" if self.options.relax else "given energies"
            problem = f"{error}: the conformers are not {asked}"
            notes.append(problem)
        num_before = len(slots)
        if num_before < self.options.num_conformers:
            notes.append(self._shortage(self.options.num_conformers - num_before))
        if self.options.prune_rmsd is not None:
            kept = distinct_conformers(mol, self.options.prune_rmsd, energies)
            positions = [mol.GetConformer(i).GetPositions() for i in kept]
            mol, slots = with_conformers(mol, positions), [slots[i] for i in kept]
            energies = None if energies is None else energies[kept]
        if self.trained_atoms is not None and self.prepared.num_atoms > self.trained_atoms:
            notes.append(
                f"{self.prepared.num_atoms} atoms, more than the {self.trained_atoms} of the largest training "
                "molecule: look at these conformers before use"
            )
        whole = num_before == self.options.num_conformers and problem is None
        return GenerationResult(
            smiles=self.prepared.smiles,
            mol=mol,
            status="failed" if not slots else "ok" if whole else "partial",
            reason="; ".join(notes),
            num_requested=self.options.num_conformers,
            seed=self.options.seed,
            num_drawn=self._num_drawn,
            num_reflected=self._num_reflected,
            num_rejected={name: count for name, count in self._rejected.items() if count},
            num_pruned=num_before - len(slots),
            energies=energies,
            seconds=self.seconds + time.perf_counter() - start,
            trajectory=self._trajectory(slots),
        )

    def _place_directly(self) -> None:
        """One atom has one place and two atoms one distance: the usual length of their bond, along x."""
        x = np.zeros((self.prepared.num_atoms, 3))
        if self.prepared.num_atoms == 2:
            length = bond_length(self.prepared.mol, 0, 1)
            x[:, 0] = -length / 2, length / 2
        self._taken = {slot: Accepted(x) for slot in range(self.options.num_conformers)}

    def _shortage(self, missing: int) -> str:
        counts = {name: count for name, count in self._rejected.items() if count}
        text = ", ".join(f"{name} {count}" for name, count in counts.items())
        wrong_stereo = counts.get("stereo", 0) > 0.5 * sum(counts.values())
        remedy = "try more num_steps or max_attempts"
        if wrong_stereo:
            remedy = "check that the stereo asked for is possible"
        return (
            f"{missing} of {self.options.num_conformers} conformers missing after {self._num_drawn} samples "
            f"(rejected: {text}): {remedy}"
        )

    def _relaxed(self, mol: Chem.Mol, slots: list[int]) -> tuple[Chem.Mol, list[int]]:
        """The conformers after MMFF94s, without those that it spoilt."""
        mmff_relax(mol)
        x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
        verdict = self.stereo.correct(x)
        good = verdict.right & ~verdict.reflected
        good &= self.geometry.bonds_hold(x) & self.geometry.atoms_keep_apart(x)
        self._rejected["relaxation"] += int((~good).sum())
        return with_conformers(mol, x[good]), [slot for slot, ok in zip(slots, good, strict=True) if ok]

    def _trajectory(self, slots: list[int]) -> Trajectory | None:
        taken = [self._taken[slot] for slot in slots]
        if self._times is None or not taken:
            return None
        x_t, x_0_hat = (np.stack([getattr(a, name) for a in taken], axis=1) for name in ("x_t", "x_0_hat"))
        return Trajectory(self._times, x_t, x_0_hat)
