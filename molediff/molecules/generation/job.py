"""One molecule on its way through the generator: what is asked, and what is accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rdkit import rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import UnusableInputError, is_of_rdkit
from molediff.molecules.generation import outcome, sharing, telling
from molediff.molecules.generation.check import Check, make_check, sieve
from molediff.molecules.generation.checks import BondLengths, bond_length, standard_checks
from molediff.molecules.generation.clock import Clock
from molediff.molecules.generation.fixed import FixedAtoms
from molediff.molecules.generation.hydrogens import HydrogenLengths
from molediff.molecules.generation.known import KnownMinimum
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.order import lowest_first
from molediff.molecules.generation.refine import refine
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.sampler import RawSamples
from molediff.molecules.generation.starts import Starts, make_starts
from molediff.molecules.graph.inputs import PreparedMolecule
from molediff.molecules.perception.protons import MovedProton, moved_protons
from molediff.molecules.perception.stereo import StereoCheck, reflected
from molediff.sampling.trajectory import Trajectory


@dataclass(frozen=True)
class Accepted:
    """A sample that passed all checks: x (N, 3) in Angstrom, at which attempt; its frames x_t and x_0_hat (S, N, 3), if
    kept; its energy in kcal/mol, if the network tells it.
    """

    x: np.ndarray
    attempt: int = 0
    x_t: np.ndarray | None = None
    x_0_hat: np.ndarray | None = None
    energy: float = float("nan")


class Job:
    """One molecule, the conformers asked for, and those accepted so far.

    Args:
        prepared: the molecule.
        options: what was asked for.
        clock: of this molecule; whoever works on it lets it run.
        provenance: of what is drawn here, see `GenerationResult`.
        cautions: what the result should say whatever becomes of the samples.
        known: holds samples against minima, or None.
        before: of other weights, whose samples stay and of which the missing ones are drawn here, or None.

    Raises:
        UnusableInputError: the molecule does not have the atoms that are to be fixed, or the conformers to begin with.
    """

    def __init__(
        self,
        prepared: PreparedMolecule,
        options: GenerationOptions,
        clock: Clock,
        provenance: dict[str, Any],
        cautions: tuple[str, ...] = (),
        known: KnownMinimum | None = None,
        before: Job | None = None,
    ):
        self.prepared, self.options, self.clock, self.cautions = prepared, options, clock, cautions
        self.provenance, self.before, self.known = provenance, before, known
        self.beside: list[Job] = [] if before is None else [before]
        """Those of the same molecule by other weights that had their turn."""
        self.stereo = StereoCheck(prepared.mol, prepared.graph)
        with rdBase.BlockLogs():  # of atoms that UFF has no type for
            self.checks: list[Check] = standard_checks(prepared.mol)
            lengths = next((check for check in self.checks if isinstance(check, BondLengths)), None)
            self.hydrogens = HydrogenLengths(prepared.mol, lengths)
            self.checks += [make_check(make, prepared.mol) for make in options.checks]
        self.checks += [] if known is None else [known]
        self.fixed: FixedAtoms | None = None
        if options.fixed is not None:
            self.fixed = options.fixed.find_in(prepared.mol, self.stereo)
            self.fixed.ease(self.checks)
        self.starts: Starts | None = None
        if options.init is not None:
            num_given = len(prepared.conformers)
            if options.init == "given" and 0 < num_given < options.num_slots:
                self.cautions += (outcome.too_few_starts(num_given, options.num_slots),)
            if options.init == "given":
                self.prepared = prepared = self._with_given_as_asked()
            self.starts = make_starts(
                prepared, options.init, options.num_slots, options.seed, clock, self.fixed
            )
        self.accepted: dict[int, Accepted] = {}
        self.rejected: Counter[str] = Counter()
        self.num_drawn = self.num_reflected = self.num_mended = 0
        self.by_network: Counter[int] = Counter()
        """Samples of the network by their attempt."""
        self.failed_relaxed: Counter[str] = Counter()
        """Relaxed conformers by the first check that they failed."""
        self.moved_protons: Counter[MovedProton] = Counter()
        """What moved in these, and in how many."""
        self.of_force_field: set[int] = set()
        """Slots whose conformers the network has no part in."""
        self.fault = ""
        """What RDKit raised about the molecule, which ended the work on it."""
        self._times: np.ndarray | None = None
        if before is not None:
            self.accepted, self.rejected = dict(before.accepted), Counter(before.rejected)
            self.num_drawn, self.num_mended = before.num_drawn, before.num_mended
            self.num_reflected = before.num_reflected
        if prepared.num_atoms == 2:
            self._place_directly()

    def _with_given_as_asked(self) -> PreparedMolecule:
        """The molecule with given conformers of the other hand reflected, and a word about those whose stereo is
        another; what is no geometry at all is refused."""
        given = self.prepared.conformers
        if wrong := np.flatnonzero(~np.isfinite(given).all(axis=(1, 2))).tolist():
            raise UnusableInputError(
                f"init='given': conformer {', '.join(map(str, wrong))} has coordinates that are no numbers: "
                "leave it out."
            )
        verdict = self.stereo.correct(given)
        num_other = int((~verdict.right | verdict.reflected).sum())
        self.cautions += (outcome.other_stereo(num_other, len(given)),) if num_other else ()
        mirrored = (verdict.right & verdict.reflected)[:, None, None]
        return replace(self.prepared, conformers=np.where(mirrored, verdict.x, given))

    @property
    def num_atoms(self) -> int:
        """Atoms of the molecule, hydrogens included."""
        return self.prepared.num_atoms

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the conformers still to be drawn; none if the time is up."""
        if self.clock.is_up or self.fault:
            return ()
        num_slots = self.options.num_slots
        # Of the samples of other weights, drawn for a larger pool, some may have numbers beyond.
        free = [slot for slot in range(num_slots) if slot not in self.accepted]
        return tuple(free[: max(0, num_slots - len(self.accepted))])

    @property
    def num_missing(self) -> int:
        """Conformers asked for without a good sample. A pool need not be full for a choice of them."""
        return max(0, self.options.num_conformers - len(self.accepted))

    @property
    def passed(self) -> Counter[int]:
        """Samples of this network that passed, by their attempt; not those of other weights or of a force field."""
        others = self.of_force_field | (set() if self.before is None else self.before.accepted.keys())
        return Counter(one.attempt for slot, one in self.accepted.items() if slot not in others)

    @property
    def has_more(self) -> bool:
        """Whether there are samples that were drawn here, and not by other weights before."""
        return len(self.accepted) > (0 if self.before is None else len(self.before.accepted))

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """What RDKit raises within ends the work on this molecule, and on no other."""
        try:
            yield
        except Exception as error:
            if not is_of_rdkit(error):
                raise
            self.fault = outcome.raised(error)

    def begun(self, slots: tuple[int, ...], attempt: int) -> np.ndarray:
        """Structures to begin with, in Angstrom, shape (n, N, 3); NaN where there is none."""
        assert self.starts is not None
        x = np.full((len(slots), self.num_atoms, 3), np.nan)
        with self.by_itself():
            x = self.starts.positions(slots, attempt)
        return x

    def is_left_to_force_field(self, attempt: int) -> bool:
        """Whether the force field has the last word: after at least two attempts of a network that refines, or after
        one where held atoms close rings, which a network that does not know of them tears open."""
        options = self.options
        if options.init in (None, "given") or options.trajectory:
            return False
        if self.fixed is not None and self.fixed.graft.is_closed:
            return attempt > 0
        return 1 < attempt == options.max_attempts - 1

    def by_force_field(self, slots: tuple[int, ...], attempt: int) -> RawSamples:
        """Structures to begin with, relaxed, in place of samples: for what the network leaves impossible."""
        x = self.begun(slots, attempt)
        self.of_force_field.update(slots)
        return RawSamples(x, num_without_start=int(np.isnan(x).any(axis=(1, 2)).sum()))

    def examine(self, slots: tuple[int, ...], raw: RawSamples, attempt: int = 0) -> None:
        """Check samples drawn for `slots`; keep the good ones, count the others under the first check they fail."""
        self.num_drawn += len(raw.x)
        if not self.of_force_field.issuperset(slots):
            self.by_network[attempt] += len(raw.x)
        rows = np.flatnonzero(np.isfinite(raw.x).all(axis=(1, 2)))
        verdict = self.stereo.correct(raw.x[rows])
        not_finite = len(raw.x) - len(rows) - raw.num_without_start
        self.rejected.update({outcome.EMBEDDING: raw.num_without_start})
        self.rejected.update(not_finite=not_finite, stereo=int((~verdict.right).sum()))
        self.num_reflected += int((verdict.right & verdict.reflected).sum())
        rows, mirrored = rows[verdict.right], verdict.reflected[verdict.right]
        x, mended = self.hydrogens.mended(verdict.x[verdict.right])
        if self.known is not None:
            x, moved = self.known.mended(x)
            mended |= moved
        placed, checks = None, self.checks
        if self.fixed is not None:
            placed = self.fixed.place(x)
            x, checks = placed.x, [placed, self.stereo, *self.checks]
        good, failed = sieve(checks, x)
        self.rejected.update(failed)
        self.num_mended += int((good & mended).sum())
        for i in map(int, np.flatnonzero(good)):
            frames = self._frames(raw.trajectory, int(rows[i]), bool(mirrored[i]))
            if placed is not None:
                frames = [placed.moved(frame, i) for frame in frames]
            # What the network tells of a structure of the other hand is not the energy of its mirror image.
            energy = float("nan") if raw.energies is None or mirrored[i] else float(raw.energies[rows[i]])
            x_t, x_0_hat = frames or (None, None)
            self.accepted[slots[rows[i]]] = Accepted(x[i], attempt, x_t, x_0_hat, energy)

    def _frames(self, way: Trajectory | None, row: int, mirrored: bool) -> list[np.ndarray]:
        """x_t and x_0_hat of a sample, reflected as it was; none if they are not kept."""
        if way is None:
            return []
        self._times = way.times
        frames = [way.x_t[:, row], way.x_0_hat[:, row]]
        return [reflected(x) for x in frames] if mirrored else frames

    def finish(self) -> GenerationResult:
        """Build the Mol, relax, compute energies, choose and rank."""
        options = self.options
        late = self.clock.is_up
        slots = lowest_first(self)
        mol = with_conformers(self.prepared.mol, [self.accepted[slot].x for slot in slots])
        fixed = () if self.fixed is None else self.fixed.atoms.tolist()
        learned = np.array([self.accepted[slot].energy for slot in slots])
        found = refine(mol, options, self._still_good, fixed, lambda: self.clock.is_up, learned)
        self.rejected[outcome.RELAXATION] += found.num_relaxation_rejected
        chosen = [slots[row] for row in found.rows]
        num_missing = max(0, options.num_conformers - len(slots) + found.num_relaxation_rejected)
        telling.tell_of_time(self, found, late and len(slots) < options.num_slots)
        return GenerationResult(
            smiles=self.prepared.smiles,
            mol=found.mol,
            status=outcome.status_of(options.num_conformers, num_missing, len(found.rows), found.problems),
            reason=telling.reason_of(self, found, chosen, num_missing),
            num_requested=options.num_conformers,
            seed=options.seed,
            num_drawn=self.num_drawn,
            num_reflected=self.num_reflected,
            num_mended=self.num_mended,
            num_rejected={name: count for name, count in self.rejected.items() if count},
            num_pruned=found.num_pruned,
            num_outside_window=found.num_outside_window,
            num_not_selected=found.num_not_selected,
            energies=found.energies,
            energy_method=None if found.energies is None else telling.energy_method_of(self),
            seconds=self.clock.seconds,
            trajectory=self._trajectory(chosen),
            provenance=sharing.provenance_of(self, chosen),
            provenances=sharing.provenances_of(self, chosen),
            samples=np.array([(slot, self.accepted[slot].attempt) for slot in chosen], np.int64).reshape(
                -1, 2
            ),
        )

    def _still_good(self, x: np.ndarray) -> np.ndarray:
        """Whether conformers that were moved are still the molecule, bool, shape (n,); x: (n, N, 3) in Angstrom."""
        good, failed = sieve([self.stereo, *self.checks], x)
        self.failed_relaxed.update(failed)
        self.moved_protons.update(moved_protons(self.prepared.mol, x[~good]))
        return good

    def _place_directly(self) -> None:
        """Two atoms have one distance: the usual length of their bond, along x."""
        x = np.zeros((self.num_atoms, 3))
        length = bond_length(self.prepared.mol, 0, 1)
        x[:, 0] = -length / 2, length / 2
        if self.fixed is not None:
            x = self.fixed.place(x[None]).x[0]
        same = Accepted(x, energy=0.0)  # all are one shape
        self.accepted = dict.fromkeys(range(self.options.num_slots), same)

    def _trajectory(self, slots: list[int]) -> Trajectory | None:
        chosen = [self.accepted[slot] for slot in slots]
        if self._times is None or not chosen:
            return None
        x_t, x_0_hat = (np.stack([getattr(a, name) for a in chosen], axis=1) for name in ("x_t", "x_0_hat"))
        return Trajectory(self._times, x_t, x_0_hat)
