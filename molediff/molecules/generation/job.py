"""One molecule on its way through the generator: what it still needs, what it has, and its result."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from molediff.core.solvers import AtLambdas
from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.relax import METHODS
from molediff.molecules.generation.check import Check, sieve
from molediff.molecules.generation.checks import CHECKS, bond_length
from molediff.molecules.generation.fixed import FixedAtoms, Placed
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.refine import Refined, refine
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.sampler import Demand, RawSamples
from molediff.molecules.graph.inputs import PreparedMolecule
from molediff.molecules.perception.stereo import StereoCheck, reflected
from molediff.sampling.trajectory import Trajectory


@dataclass(frozen=True)
class Accepted:
    """A sample that passed all checks: x (N, 3) in Angstrom; its frames x_t and x_0_hat (S, N, 3), if kept."""

    x: np.ndarray
    x_t: np.ndarray | None = None
    x_0_hat: np.ndarray | None = None


@dataclass
class Job:
    """State of one molecule.

    Raises:
        UnusableInputError: the molecule does not have the atoms that are to be fixed.

    Attributes:
        prepared: the molecule.
        options: what was asked for.
        trained_atoms: atoms of the largest training molecule, or None if unknown.
        seconds: time spent so far.
        provenance: see `GenerationResult`.
    """

    prepared: PreparedMolecule
    options: GenerationOptions
    trained_atoms: int | None
    seconds: float
    provenance: dict[str, Any] = field(default_factory=dict)
    _taken: dict[int, Accepted] = field(default_factory=dict)
    _rejected: Counter[str] = field(default_factory=Counter)
    _times: np.ndarray | None = None
    _num_drawn: int = 0
    _num_reflected: int = 0

    def __post_init__(self) -> None:
        start = time.perf_counter()
        self.checks = [make(self.prepared.mol) for make in (*CHECKS, *self.options.checks)]
        self.stereo = StereoCheck(self.prepared.mol, self.prepared.graph)
        self.fixed: FixedAtoms | None = None
        if self.options.fixed is not None:
            self.fixed = self.options.fixed.find_in(self.prepared.mol, self.stereo)
        if self.prepared.num_atoms <= 2:
            self._place_directly()
        self.seconds += time.perf_counter() - start

    @property
    def out_of_time(self) -> bool:
        """Whether this molecule has had the time that it may have."""
        return self.options.timeout is not None and self.seconds > self.options.timeout

    def demand(self) -> Demand[Job] | None:
        """The conformers still missing, None if there are none or the time is up."""
        if self.out_of_time:
            return None
        missing = tuple(slot for slot in range(self.options.num_conformers) if slot not in self._taken)
        return Demand(self, self.prepared.num_atoms, missing) if missing else None

    def examine(self, slots: tuple[int, ...], raw: RawSamples) -> None:
        """Check samples drawn for `slots`; keep the good ones, count the others."""
        start = time.perf_counter()
        self._num_drawn += len(raw.x)
        if raw.trajectory is not None:
            self._times = raw.trajectory.times
        rows = np.flatnonzero(np.isfinite(raw.x).all(axis=(1, 2)))
        self._rejected["not_finite"] += len(raw.x) - len(rows)
        verdict = self.stereo.correct(raw.x[rows])
        self._rejected["stereo"] += int((~verdict.right).sum())
        self._num_reflected += int((verdict.right & verdict.reflected).sum())
        rows, x, mirrored = rows[verdict.right], verdict.x[verdict.right], verdict.reflected[verdict.right]
        placed = None if self.fixed is None else self.fixed.place(x)
        checks: list[Check] = self.checks
        if placed is not None:
            x, checks = placed.x, [placed, self.stereo, *self.checks]
        good, failed = sieve(checks, x)
        self._rejected.update(failed)
        for i in map(int, np.flatnonzero(good)):
            frames = self._frames(raw, int(rows[i]), bool(mirrored[i]))
            if placed is not None:
                frames = [placed.moved(frame, i) for frame in frames]
            self._taken[slots[rows[i]]] = Accepted(x[i], *frames)
        self.seconds += time.perf_counter() - start

    @staticmethod
    def _frames(raw: RawSamples, row: int, mirrored: bool) -> list[np.ndarray]:
        """x_t and x_0_hat of a sample, reflected as it was; none if they are not kept."""
        if raw.trajectory is None:
            return []
        frames = [raw.trajectory.x_t[:, row], raw.trajectory.x_0_hat[:, row]]
        return [reflected(x) for x in frames] if mirrored else frames

    def _still_good(self, x: np.ndarray) -> np.ndarray:
        """Whether conformers that were moved are still the molecule, bool, shape (n,); x: (n, N, 3) in Angstrom."""
        return sieve([self.stereo, *self.checks], x)[0]

    def finish(self) -> GenerationResult:
        """Build the Mol, relax, compute energies, choose and rank."""
        start = time.perf_counter()
        options = self.options
        late = self.out_of_time

        def out_of_time() -> bool:
            spent = self.seconds + time.perf_counter() - start
            return options.timeout is not None and spent > options.timeout

        slots = sorted(self._taken)
        mol = with_conformers(self.prepared.mol, [self._taken[slot].x for slot in slots])
        fixed = () if self.fixed is None else self.fixed.atoms.tolist()
        found = refine(mol, options, self._still_good, fixed, out_of_time)
        self._rejected["relaxation"] += found.num_spoilt
        missing = options.num_conformers - len(slots) + found.num_spoilt
        if (late and len(slots) < options.num_conformers) or (found.problems and out_of_time()):
            found.problems.insert(0, f"timeout of {options.timeout:g} s struck")
        return GenerationResult(
            smiles=self.prepared.smiles,
            mol=found.mol,
            status="failed"
            if missing == options.num_conformers or not len(found.rows)
            else "partial"
            if missing or found.problems
            else "ok",
            reason=self._reason(found, missing),
            num_requested=options.num_conformers,
            seed=options.seed,
            num_drawn=self._num_drawn,
            num_reflected=self._num_reflected,
            num_rejected={name: count for name, count in self._rejected.items() if count},
            num_pruned=found.num_pruned,
            num_outside_window=found.num_outside_window,
            energies=found.energies,
            energy_method=None if found.energies is None else METHODS[str(options.energies)],
            seconds=self.seconds + time.perf_counter() - start,
            trajectory=self._trajectory([slots[row] for row in found.rows]),
            provenance=self.provenance,
        )

    def _reason(self, found: Refined, missing: int) -> str:
        notes = list(found.problems)
        if missing:
            notes.append(self._shortage(missing))
        if self.prepared.caution:
            notes.append(self.prepared.caution)
        if self.trained_atoms is not None and self.prepared.num_atoms > self.trained_atoms:
            notes.append(
                f"{self.prepared.num_atoms} atoms, more than the {self.trained_atoms} of the largest training "
                "molecule: look at these conformers before use"
            )
        return "; ".join(notes)

    def _place_directly(self) -> None:
        """One atom has one place and two atoms one distance: the usual length of their bond, along x."""
        x = np.zeros((self.prepared.num_atoms, 3))
        if self.prepared.num_atoms == 2:
            length = bond_length(self.prepared.mol, 0, 1)
            x[:, 0] = -length / 2, length / 2
        if self.fixed is not None:
            x = self.fixed.place(x[None]).x[0]
        self._taken = {slot: Accepted(x) for slot in range(self.options.num_conformers)}

    def _shortage(self, missing: int) -> str:
        counts = {name: count for name, count in self._rejected.items() if count}
        text = ", ".join(f"{name} {count}" for name, count in counts.items())
        return (
            f"{missing} of {self.options.num_conformers} conformers missing after {self._num_drawn} samples "
            f"(rejected: {text or 'none'}): {self._remedy(counts)}"
        )

    def _remedy(self, counts: dict[str, int]) -> str:
        """What to do about most of the samples that were rejected."""
        # Distilled weights know the steps of one grid and no more of them.
        distilled = isinstance(self.options.grid, AtLambdas)
        more = "max_attempts or the weights 'qm9'" if distilled else "num_steps or max_attempts"
        most = max(counts, key=lambda name: counts[name], default="")
        if self.out_of_time:
            return "allow a longer timeout"
        if most == "relaxation":
            return "their minima are not this molecule; leave relax out"
        if most == Placed.name:
            return Placed.remedy
        remedies = {check.name: check.remedy for check in (self.stereo, *self.checks)}
        own = remedies.get(most, "")
        return f"{own}, or try more {more}" if own else f"try more {more}"

    def _trajectory(self, slots: list[int]) -> Trajectory | None:
        taken = [self._taken[slot] for slot in slots]
        if self._times is None or not taken:
            return None
        x_t, x_0_hat = (np.stack([getattr(a, name) for a in taken], axis=1) for name in ("x_t", "x_0_hat"))
        return Trajectory(self._times, x_t, x_0_hat)
