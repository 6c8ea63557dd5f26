"""What to do where conformers are missing: never what was seen to be of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from molediff.core.solvers import AtLambdas
from molediff.molecules.generation import outcome
from molediff.molecules.perception.domain import DEFAULT, weights_that_know

if TYPE_CHECKING:
    from molediff.molecules.generation.job import Job

_ENOUGH = 10
"""Samples none of which passed, after which more are no good advice: of those where one in four passes, 6 % end so."""
_FIRST_ALIKE = {"given": 1}
"""The attempt from which on all begin alike, by `init`: given structures are the same each time."""
_FIRST_ALIKE_OF_STARTS = 2
"""First the candidates chosen, then the next of them, then embeddings."""


class Advice:
    """What a user can do about the conformers that a job lacks.

    Args:
        job: whose samples are drawn.
    """

    def __init__(self, job: Job):
        self._job = job
        self._knowing = weights_that_know(job.prepared.mol)

    def what_to_do(self, num_lost: int) -> str:
        """One clause; of the conformers that are missing `num_lost` were lost in relaxation."""
        job = self._job
        if job.clock.is_up:
            in_vain = job.num_drawn > 0 and job.rejected["embedding"] == job.num_drawn
            return outcome.LONGER_OR_STEREO if in_vain and job.stereo.asks_for_something else outcome.LONGER
        if self._stereo_seems_impossible():
            return outcome.IMPOSSIBLE_STEREO
        if num_lost > job.num_missing:
            return self._about_relaxation()
        if self._is_few and self._knowing and self._others_are_better and not job.options.picked:
            return outcome.known_by(self._knowing[0])
        if job.fixed is not None and job.num_drawn and not job.accepted:
            return outcome.HELD
        if not self._knowing and not job.passed and not self._earlier_passed:
            return outcome.NOT_KNOWN
        checks = (job.stereo, *job.checks)
        return outcome.remedy(job.rejected, checks, self._what_else(), job.provenance.get("weights"))

    @property
    def _is_in_vain(self) -> bool:
        """Whether of all weights that had their turn samples like more were drawn in number, and none passed."""
        return all(map(_in_vain, (self._job, *self._job.beside)))

    def _what_else(self) -> str:
        """Settings and weights with which there may be more."""
        job = self._job
        others = [f"the weights {name!r}" for name in self._knowing if name not in self._tried]
        steps = "" if job.starts is not None or self._is_distilled else "num_steps"
        of_named = f"{steps} with weights={DEFAULT!r}" if steps and job.options.picked else ""
        if not self._is_in_vain:
            settings = f"max_attempts, or {of_named}" if of_named else outcome.either(steps, "max_attempts")
            is_good = self._is_distilled or (self._is_few and job.provenance.get("weights") == DEFAULT)
            return f"try more {settings}" + (f", or {others[0]}" if others and is_good else "")
        if job.options.init == "given":
            return outcome.OTHER_STARTS
        seed = "another seed" if job.passed else ""
        more = f"more {of_named or steps}" if steps else ""
        return outcome.in_vain(outcome.either(seed, more, *others[:1]))

    def _about_relaxation(self) -> str:
        job = self._job
        charges = [atom.GetFormalCharge() for atom in job.prepared.mol.GetAtoms()]
        is_zwitterion = min(charges) < 0 < max(charges)
        if job.moved_protons:
            proton = job.moved_protons.most_common(1)[0][0]
            donor, acceptor = (
                job.prepared.mol.GetAtomWithIdx(atom).GetSymbol() for atom in (proton.donor, proton.acceptor)
            )
            return outcome.proton_moved(proton, donor, acceptor)
        return outcome.ended_elsewhere(job.failed_relaxed, is_zwitterion)

    @property
    def _is_few(self) -> bool:
        job = self._job
        return 2 * len(job.accepted) < job.options.num_slots and job.options.init != "given"

    @property
    def _others_are_better(self) -> bool:
        is_outside = any(caution.startswith(outcome.OUTSIDE) for caution in self._job.cautions)
        return is_outside or (DEFAULT in self._knowing and not self._tried & {None, DEFAULT})

    @property
    def _tried(self) -> set[str | None]:
        """The weights that had their turn."""
        return {one.provenance.get("weights") for one in (self._job, *self._job.beside)}

    @property
    def _is_distilled(self) -> bool:
        return isinstance(self._job.options.grid, AtLambdas)

    @property
    def _earlier_passed(self) -> bool:
        """Whether samples of other weights passed before."""
        return self._job.before is not None and bool(self._job.before.accepted)

    def _stereo_seems_impossible(self) -> bool:
        job = self._job
        hopeless = job.num_drawn and not job.accepted
        return bool(hopeless and job.stereo.seems_impossible(job.rejected["stereo"]))


def _in_vain(job: Job) -> bool:
    """Whether samples like those that more attempts would draw were drawn in number, and none passed."""
    options = job.options
    first = 0 if options.init is None else _FIRST_ALIKE.get(options.init, _FIRST_ALIKE_OF_STARTS)
    enough = 1 if options.init == "given" and not options.solver_object.stochastic else _ENOUGH
    drawn, passed = (
        sum(num for attempt, num in counts.items() if attempt >= first)
        for counts in (job.by_network, job.passed)
    )
    return drawn >= enough and not passed
