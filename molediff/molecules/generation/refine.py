"""From samples that passed the checks to the conformers that are handed out: relax, compute energies, choose, rank."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import above_lowest, with_conformers
from molediff.molecules.energies.relax import (
    LEARNED,
    METHODS,
    OutOfTime,
    conformer_energies,
    distinct_conformers,
    relax_conformers,
)
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.generation.check import sieve
from molediff.molecules.generation.checks import standard_checks
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.spread import coverage_order, spread_order
from molediff.runtime.words import counted


@dataclass
class Refined:
    """Conformers on their way out.

    Attributes:
        mol: n conformers, ids 0 .. n - 1.
        rows: which of the conformers that came in each one is, shape (n,).
        energies: in kcal/mol, shape (n,), or None.
        unfinished: which ran out of steps before a minimum was reached, bool, shape (n,), or None.
        why_unknown: why an energy is not known, where one is not.
        problems: what was asked for and could not be had, in words.
        cautions: what else there is to say, while all that was asked for is there.
        num_relaxation_rejected: conformers whose relaxation failed or changed the bonds or the stereo.
        num_pruned: duplicates left out.
        num_outside_window: conformers left out for their energy.
        num_not_selected: conformers of the pool that were not chosen.
    """

    mol: Chem.Mol
    rows: np.ndarray
    energies: np.ndarray | None = None
    unfinished: np.ndarray | None = None
    why_unknown: str = ""
    problems: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    num_relaxation_rejected: int = 0
    num_pruned: int = 0
    num_outside_window: int = 0
    num_not_selected: int = 0

    def keep(self, chosen: np.ndarray) -> None:
        """Keep these conformers, by position, in this order."""
        if len(chosen) == len(self.rows) and (chosen == np.arange(len(chosen))).all():
            return
        ids = [conformer.GetId() for conformer in self.mol.GetConformers()]
        self.mol = with_conformers(self.mol, [self.mol.GetConformer(ids[i]).GetPositions() for i in chosen])
        self.rows = self.rows[chosen]
        self.energies = None if self.energies is None else self.energies[chosen]
        self.unfinished = None if self.unfinished is None else self.unfinished[chosen]


def refine(
    mol: Chem.Mol,
    options: GenerationOptions,
    still_good: Callable[[np.ndarray], np.ndarray],
    fixed: Collection[int] = (),
    out_of_time: OutOfTime = lambda: False,
    learned: np.ndarray | None = None,
) -> Refined:
    """Do with the conformers of `mol` what the options ask: relax, energies, energy_window, prune_rmsd, select, rank,
    in this order.

    Args:
        mol: explicit hydrogens; its conformers move.
        options: see `ConformerGenerator.generate_many`.
        still_good: from coordinates (n, N, 3) to (n,), whether they still are the molecule asked for.
        fixed: atoms that do not move.
        out_of_time: asked before everything that takes long; what is then not yet done is left out.
        learned: energies as the network tells them, in kcal/mol, shape (n,), NaN of what it did not make.
    """
    found = Refined(mol, np.arange(mol.GetNumConformers()))
    if options.relax and len(found.rows):
        with _said(found, "relaxed"):
            _relax(found, options, still_good, fixed, out_of_time)
    if options.energies == LEARNED and learned is not None and len(found.rows):
        found.energies, found.why_unknown = learned, "not made by the network"
    elif options.energies and len(found.rows) and found.energies is None:
        with _said(found, "given energies"):
            _compute_energies(found, options.energies, out_of_time, options.device)
    num_without = 0 if found.energies is None else int(np.isnan(found.energies).sum())
    if options.energy_window is not None and found.energies is not None:
        # Not known to be outside: those without an energy stay, and a problem says that they have none.
        inside = np.flatnonzero(~(above_lowest(found.energies) > options.energy_window))
        found.num_outside_window = len(found.rows) - len(inside)
        found.keep(inside)
    if options.prune_rmsd is not None:
        _prune(found, options, options.prune_rmsd, out_of_time)
    if options.pool is not None:
        _select(found, options, out_of_time)
    if options.rank and found.energies is not None:
        found.keep(np.argsort(found.energies, kind="stable"))  # NaN is last
    _tell_what_they_lack(found, num_without)
    return found


def _tell_what_they_lack(found: Refined, num_without: int) -> None:
    """Of those handed out, whatever became of others of a pool; `num_without` of all had no energy."""
    if found.unfinished is not None and (num := int(found.unfinished.sum())):
        found.problems.append(f"{counted(num, 'conformer')} ran out of steps before a minimum was reached")
    num = 0 if found.energies is None else int(np.isnan(found.energies).sum())
    if num:
        found.problems.append(f"{found.why_unknown}: {counted(num, 'conformer')} without energy")
    elif num_without and found.num_not_selected:
        of_pool = f"{counted(num_without, 'conformer')} of the pool"
        found.cautions.append(f"{found.why_unknown}: {of_pool} without energy, left out of the choice")


def _prune(found: Refined, options: GenerationOptions, threshold: float, out_of_time: OutOfTime) -> None:
    was_up = False

    def asked() -> bool:
        nonlocal was_up
        was_up = out_of_time()
        return was_up

    distinct = distinct_conformers(found.mol, threshold, found.energies, asked, options.prune_energy)
    found.num_pruned = len(found.rows) - len(distinct)
    if was_up:
        found.problems.append(
            "time was up before all conformers were compared: there may be duplicates among them"
        )
    found.keep(np.array(distinct, dtype=np.int64))


def _select(found: Refined, options: GenerationOptions, out_of_time: OutOfTime) -> None:
    """Choose from the pool. What has no energy is last; without any energy the choice is by spread, and says so."""
    num = len(found.rows)
    if options.select == "energy" and found.energies is None and num:
        found.problems.append(
            "there are no energies to choose by: the conformers are chosen for their spread"
        )
    if num == 0:
        return
    if options.select == "energy" and found.energies is not None:
        chosen = np.argsort(found.energies, kind="stable")[: options.num_conformers]
    else:
        wanted = min(options.num_conformers, num)
        if options.select == "coverage":
            chosen = coverage_order(found.mol, wanted, out_of_time=out_of_time)
        else:
            chosen = spread_order(found.mol, wanted, found.energies, out_of_time=out_of_time)
        if len(chosen) < wanted:
            if wanted < num:
                found.problems.append(
                    "time was up before all conformers were chosen from the pool: others fill up"
                )
            else:
                found.cautions.append("time was up before the conformers were put in order")
            others = np.setdiff1d(np.arange(num), chosen)
            chosen = np.concatenate([chosen, others[: wanted - len(chosen)]])
    found.num_not_selected = num - len(chosen)
    found.keep(chosen)


@contextmanager
def _said(found: Refined, what: str) -> Iterator[None]:
    """Without a force field the conformers stay as they are, and a problem says what they are not."""
    try:
        yield
    except ForceFieldError as error:
        said = f"{error}: the conformers are not "
        before = next((place for place, words in enumerate(found.problems) if words.startswith(said)), None)
        if before is None:
            found.problems.append(said + what)
        else:
            found.problems[before] += f", nor {what}"


def _relax(
    found: Refined,
    options: GenerationOptions,
    still_good: Callable[[np.ndarray], np.ndarray],
    fixed: Collection[int],
    out_of_time: OutOfTime,
) -> None:
    before = Chem.Mol(found.mol)
    energies, converged, late = relax_conformers(
        found.mol, str(options.relax), fixed, out_of_time, options.device
    )
    relaxed = ~np.isnan(energies)
    x = np.stack([conformer.GetPositions() for conformer in found.mol.GetConformers()])
    good = relaxed & still_good(x)
    if options.relax == "mmff" and relaxed.any() and not good.any() and not _possible(found.mol, x[relaxed]):
        found.mol = before
        raise ForceFieldError(
            f"force field not applicable: no minimum of {METHODS['mmff']} has bonds and angles that this molecule "
            "can have"
        )
    if options.energies == options.relax:
        found.energies = energies
    num_late = int(late.sum())
    found.num_relaxation_rejected = int((~good).sum()) - num_late
    if num_late:
        said = found.problems if good.sum() < options.num_conformers else found.cautions
        said.append(f"time was up before {counted(num_late, 'conformer')} could be relaxed: left out")
    found.unfinished = ~converged
    found.keep(np.flatnonzero(good))


def _possible(mol: Chem.Mol, x: np.ndarray) -> bool:
    """Whether one of the conformers (n, N, 3) has bonds and angles that the molecule can have."""
    return bool(sieve(standard_checks(mol), x)[0].any())


def _compute_energies(found: Refined, method: str, out_of_time: OutOfTime, device: str) -> None:
    found.energies = conformer_energies(found.mol, method, out_of_time, device)
    found.why_unknown = "time was up" if out_of_time() else f"{METHODS[method]} failed"
