"""What a user can set beside the molecules, in three groups, with every default in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molediff.core.solvers import Solver
from molediff.sampling.options import Grid
from molediff.sampling.settings import gather as gather_groups


@dataclass(frozen=True)
class Sampling:
    """How noise becomes conformers.

    Attributes:
        solver: "dpmpp_2m_cooled", which draws samples nearer to the minima than the learned distribution has them;
            "dpmpp_2m", "ddim", "heun", "euler_maruyama" or "ancestral", which draw from that distribution; a solver of
            `molediff.core.solvers`, such as `DPMSolverPP2M(cooling=0.3)`; or None, as the weights are meant to be
            sampled (`ConformerGenerator.plan`): "dpmpp_2m_cooled", or the jumps of distilled weights.
        num_steps: solver steps; one network evaluation each (Heun: two). None: as many as meant, 5 of weights that are
            not distilled.
        eta: noise of "ddim" and "euler_maruyama" (0: ODE, 1: SDE); None: the solver's own. Weights trained with
            rotational alignment know only the ODE exactly (see `molediff.core.objective.coupling`).
        grid: spacing of the steps, "central_lambda", "uniform_lambda", "uniform_t", "karras", or a function
            (path, steps) -> times. None: as meant, "central_lambda" or the grid of distilled weights.
        init: for weights that refine structures, what they begin with: "minima" or "crystal", a few conformers of
            RDKit's ETKDGv3 whose torsions are drawn anew, as minima in vacuum or crystals have them; "etkdg", one of
            ETKDGv3 for each; "given", the conformers of the Mol given, in turn; or None, as the weights are meant to
            be sampled.
    """

    solver: str | Solver | None = None
    num_steps: int | None = None
    eta: float | None = None
    grid: str | Grid | None = None
    init: str | None = None


@dataclass(frozen=True)
class Refinement:
    """What is done with conformers that passed: relax, energies, window, pruning, selection, rank, in this order.

    Attributes:
        relax: move conformers to their next minimum: "mmff", of MMFF94s (isocyanates, carbodiimides and their like it
            does not describe: they stay as they are, and `reason` says so); "gfn2", of GFN2-xTB (needs tblite; about
            0.25 s a conformer); or "aimnet2", of AIMNet2 (needs the extra aimnet2; all conformers at once, on the
            generator's device; docs/force_fields.md has the times). Those that do not stay the molecule asked for are
            left out.
        energies: "mmff", of MMFF94s, "gfn2", of GFN2-xTB, "aimnet2", of AIMNet2, or "learned", those of AIMNet2 as the
            weights have learned them ("drugs" have, for about a fifth of the network's time; docs/drugs.md says how far
            off they are), in kcal/mol.
        prune_rmsd: leave out conformers nearer than this to another one, in Angstrom (heavy atoms, symmetry-aware); of
            two, the one of higher energy, or the later one without energies. What a timeout leaves uncompared stays.
        rank: number the conformers by increasing energy, the lowest 0. Needs `energies`.
        energy_window: leave out conformers this far above the lowest one found, in kcal/mol; one whose energy could not
            be computed stays. Needs `energies`.
        pool: conformers to draw, of which `num_conformers` are chosen; all that is done before the choice is done with
            all of them. None: no more are drawn than asked for.
        select: how they are chosen from the pool: "spread", each next one as far as possible from those chosen (see
            `molecules.select_spread`), beginning with the lowest in energy if there are energies, and numbered in
            that order unless `rank` says otherwise; "coverage", so that all of the pool have a chosen one near them
            (`molecules.select_coverage`); or "energy", the lowest, which needs `energies`. None: "spread" if there is
            a pool.
        prune_energy: two conformers within `prune_rmsd` are one only if their energies differ by no more than this, in
            kcal/mol: turned hydroxyl groups are not seen by heavy atoms. Needs `energies`.
    """

    relax: str | None = None
    energies: str | None = None
    prune_rmsd: float | None = None
    rank: bool = False
    energy_window: float | None = None
    pool: int | None = None
    select: str | None = None
    prune_energy: float | None = None


@dataclass(frozen=True)
class Limits:
    """What a call may use of the machine.

    Attributes:
        batch_atoms: most atoms in a batch, padding included. It bounds memory. None: 2,048 on a CPU, on a GPU what
            half of its free memory holds, 131,072 at most (`generation.batch_size`).
        max_attempts: most samples drawn for one conformer; a conformer without a good one is missing in the result.
        lookahead: most molecules read ahead of the result that is handed out, to fill batches with molecules of similar
            size. None: 512 on a CPU, 8,192 on a GPU.
        timeout: most seconds for one molecule (of a batch, its part); looked at between batches, relaxations and
            energies. What is done by then is handed out, as "partial" if it is not all, with the reason; what is not
            yet relaxed is left out. None: any.
        num_workers: processes that share the molecules, one thread each; worth it from some hundred conformers, as each
            takes seconds to start. The results are those of one process with one thread, bit for bit. The molecule on
            which a process dies gets a result with that reason. A script needs the usual
            `if __name__ == "__main__":`.
    """

    batch_atoms: int | None = None
    max_attempts: int = 5
    lookahead: int | None = None
    timeout: float | None = None
    num_workers: int = 1


_BESIDE = ("preset", "fixed", "strict", "largest_fragment", "checks", "trajectory")
_GROUPS: dict[str, type] = {"sampling": Sampling, "refinement": Refinement, "limits": Limits}


def gather(groups: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """All settings by their names, of groups and of single words.

    Args:
        groups: `Sampling`, `Refinement`, `Limits` or None by the name of the group.
        words: settings given by themselves; their group may not be given too.

    Raises:
        TypeError: a word is no setting.
        ValueError: a group is something else, or a setting is given twice.
    """
    return gather_groups(_GROUPS, groups, words, "molediff.molecules", "generate and generate_many", _BESIDE)
