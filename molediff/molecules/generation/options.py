"""What can be asked of the conformer generator, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from molediff.molecules.energies.aimnet2_model import load_aimnet2, read_model
from molediff.molecules.energies.relax import LEARNED, METHODS
from molediff.molecules.energies.xtb import require_tblite
from molediff.molecules.generation.batch_size import batch_atoms_of, lookahead_of
from molediff.molecules.generation.check import CheckFactory
from molediff.molecules.generation.fixed import FixedPart
from molediff.molecules.generation.starts import INITS
from molediff.runtime.checks import check_flag, check_whole_number, check_word, is_positive
from molediff.runtime.words import counted
from molediff.sampling.options import SolverOptions

MAX_CONFORMERS = 100_000
"""Most conformers of a molecule in one call. They are held in memory until their molecule is done: at 20 atoms, these
take about 300 MB. With `trajectory`, steps times conformers count."""

_WHICH = f"'mmff', 'gfn2', 'aimnet2' or '{LEARNED}'"


@dataclass(frozen=True)
class GenerationOptions(SolverOptions):
    """All settings of a call, checked; see `ConformerGenerator.generate_many` and `settings` for what each means.

    Raises:
        ValueError: a setting is out of range; the message names it and what is allowed.
        ImportError: GFN2-xTB or AIMNet2 is asked for and not installed.
    """

    num_conformers: int
    seed: int
    batch_atoms: int | None
    max_attempts: int
    lookahead: int | None
    relax: str | None
    energies: str | None
    prune_rmsd: float | None
    rank: bool
    energy_window: float | None
    timeout: float | None
    num_workers: int
    trajectory: bool = False
    fixed: FixedPart | None = None
    checks: tuple[CheckFactory, ...] = ()
    strict: bool = False
    largest_fragment: bool = False
    init: str | None = None
    pool: int | None = None
    select: str | None = None
    device: str = "cpu"
    prune_energy: float | None = None
    picked: bool = False
    """Whether these weights were picked for the molecule, and not named."""

    def __post_init__(self) -> None:
        if self.batch_atoms is None:
            object.__setattr__(self, "batch_atoms", batch_atoms_of(self.device))
        if self.lookahead is None:
            object.__setattr__(self, "lookahead", lookahead_of(self.device))
        for name in ("num_conformers", "batch_atoms", "max_attempts", "lookahead", "num_workers"):
            object.__setattr__(self, name, check_whole_number(name, getattr(self, name), least=1))
        for name in ("rank", "trajectory", "strict", "largest_fragment"):
            object.__setattr__(self, name, check_flag(name, getattr(self, name)))
        object.__setattr__(self, "seed", check_whole_number("seed", self.seed, least=0))
        check_word("relax", self.relax, (None, *METHODS))
        check_word("energies", self.energies, (None, *METHODS, LEARNED))
        if self.energies == LEARNED and (self.relax is not None or self.fixed is not None):
            beside = "relax" if self.relax is not None else "fixed"
            raise ValueError(
                f"energies='{LEARNED}' cannot be set beside {beside}=, which moves conformers after the network has "
                f"told their energies: take energies='mmff', 'gfn2' or 'aimnet2', or leave {beside} out."
            )
        check_word("init", self.init, (None, *INITS))
        for name, what in (
            ("prune_rmsd", "a distance above 0 in Angstrom"),
            ("prune_energy", "an energy above 0 in kcal/mol"),
            ("energy_window", "an energy above 0 in kcal/mol"),
            ("timeout", "a time above 0 in seconds"),
        ):
            value = getattr(self, name)
            if value is not None and not is_positive(value):
                raise ValueError(f"{name} must be {what}, or None; got {value!r}.")
        needing = [name for name in ("rank", "energy_window", "prune_energy") if getattr(self, name)]
        if self.prune_energy is not None and self.prune_rmsd is None:
            raise ValueError(
                "prune_energy says which neighbours are one: say how near these are, prune_rmsd=."
            )
        if self.energies is None and needing:
            asked = needing[0]
            raise ValueError(f"{asked} needs energies: say which, energies={_WHICH}.")
        self._check_pool()
        super().__post_init__()
        self._check_size()
        if "gfn2" in (self.relax, self.energies):
            require_tblite()
        if "aimnet2" in (self.relax, self.energies):
            if self.num_workers == 1:
                load_aimnet2(self.device)
            else:  # each process loads its own
                read_model()

    @property
    def most_atoms(self) -> int:
        """Most atoms in a batch: `batch_atoms`, or what suits the device."""
        assert self.batch_atoms is not None
        return self.batch_atoms

    @property
    def most_molecules(self) -> int:
        """Most molecules read ahead: `lookahead`, or what suits the device."""
        assert self.lookahead is not None
        return self.lookahead

    @property
    def needs_learned_energies(self) -> bool:
        """Whether energies as the network tells them are of use: asked for, or to put the lowest conformers first."""
        return self.energies == LEARNED or (self.init == "minima" and self.fixed is None)

    @property
    def num_slots(self) -> int:
        """Conformers to draw of each molecule: as many as asked for, or the pool."""
        return self.num_conformers if self.pool is None else self.pool

    def _check_pool(self) -> None:
        check_word("select", self.select, (None, "spread", "coverage", "energy"))
        if self.pool is None:
            if self.select is not None:
                raise ValueError(f"select={self.select!r} chooses from a pool: say how large it is, pool=.")
            return
        object.__setattr__(self, "pool", check_whole_number("pool", self.pool, least=1))
        object.__setattr__(self, "select", self.select or "spread")
        if self.pool < self.num_conformers:
            raise ValueError(
                f"pool={self.pool} is less than the {counted(self.num_conformers, 'conformer')} to be chosen from it."
            )
        if self.select == "energy" and self.energies is None:
            raise ValueError(f"select='energy' needs energies: say which, energies={_WHICH}.")

    def _check_size(self) -> None:
        held = self.num_slots * (self.num_steps if self.trajectory else 1)
        if held > MAX_CONFORMERS:
            times_steps = (
                f" times {counted(self.num_steps, 'step')} of the trajectory" if self.trajectory else ""
            )
            raise ValueError(
                f"{counted(self.num_slots, 'conformer')}{times_steps} are more than the "
                f"{MAX_CONFORMERS:,} that are held in "
                "memory at once: ask for fewer at a time, with another seed each time."
            )
