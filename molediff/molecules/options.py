"""What can be asked of the conformer generator, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from molediff.solver_options import SolverOptions, check_whole_number, check_word


@dataclass(frozen=True)
class GenerationOptions(SolverOptions):
    """Settings of a call; see `ConformerGenerator.generate_many` for what each means.

    Raises:
        ValueError: a setting is out of range; the message names it and what is allowed.
    """

    num_conformers: int
    seed: int
    batch_atoms: int
    max_attempts: int
    lookahead: int
    relax: str | None
    energies: str | None
    prune_rmsd: float | None
    trajectory: bool

    def __post_init__(self) -> None:
        for name in ("num_conformers", "batch_atoms", "max_attempts", "lookahead"):
            check_whole_number(name, getattr(self, name), least=1)
        check_whole_number("seed", self.seed, least=0)
        check_word("relax", self.relax, (None, "mmff"))
        check_word("energies", self.energies, (None, "mmff"))
        if self.prune_rmsd is not None and not self.prune_rmsd > 0:
            raise ValueError(
                f"prune_rmsd must be a distance above 0 in Angstrom, or None; got {self.prune_rmsd!r}."
            )
        super().__post_init__()
