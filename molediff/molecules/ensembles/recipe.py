"""How the minima of a molecule are searched: every setting, checked."""

from __future__ import annotations

from dataclasses import dataclass

from molediff.molecules.energies.xtb import MAX_GRADIENT
from molediff.molecules.ensembles.engines import MINIMIZERS
from molediff.runtime.checks import check_whole_number, check_word


@dataclass(frozen=True)
class Recipe:
    """How minima are searched.

    Attributes:
        num_seeds: starting geometries (see `starts.make_starts`) to begin with.
        max_seeds: they are doubled until that finds less than 5 % more minima within `LOW_WINDOW`, up to this number.
        num_direct: starting geometries that are relaxed without the force field's minima in between, so many at a
            time until they find less than 5 % more minima within `LOW_WINDOW`; 0 for none.
        max_direct: the most of these.
        window: highest energy above the lowest minimum that is kept, in kcal/mol.
        force_field_window: starts higher than this above the force field's lowest are not tried, in kcal/mol.
        temperature: of the Boltzmann weights, in Kelvin.
        max_gradient: where a relaxation ends, largest component in kcal/mol/Angstrom.
        seed: of the random numbers.
        method: whose minima count: "gfn2", GFN2-xTB, or "aimnet2", AIMNet2.

    Raises:
        ValueError: a setting is out of range.
    """

    num_seeds: int = 100
    max_seeds: int = 3200
    num_direct: int = 16
    max_direct: int = 96
    window: float = 6.0
    force_field_window: float = 15.0
    temperature: float = 298.15
    max_gradient: float = MAX_GRADIENT
    seed: int = 1
    method: str = "gfn2"

    def __post_init__(self) -> None:
        for name in ("num_seeds", "max_seeds", "num_direct", "max_direct", "seed"):
            check_whole_number(f"{name} of an ensemble", getattr(self, name), least=0)
        for name in ("num_seeds", "window", "force_field_window", "temperature", "max_gradient"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and value > 0):
                raise ValueError(f"{name} of an ensemble must be above 0; got {value!r}")
        check_word("method of an ensemble", self.method, tuple(MINIMIZERS))
        if self.num_seeds < 2:
            raise ValueError(f"an ensemble needs at least 2 seeds; got {self.num_seeds}")
        if self.max_seeds < self.num_seeds:
            raise ValueError(f"max_seeds is at least num_seeds; got {self.max_seeds} and {self.num_seeds}")
        if self.num_direct > self.max_direct:
            raise ValueError(f"num_direct is at most max_direct; got {self.num_direct} and {self.max_direct}")
