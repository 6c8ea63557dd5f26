"""The levels of replica exchange: temperatures, or a bridge from a Gaussian to the system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """The levels of replica exchange, the system first.

    Attributes:
        system: factor a_k of the system's reduced energy at each level.
        reference: factor b_k of the Gaussian's reduced energy at each level.
        std: standard deviation s of the Gaussian, in units of length.
    """

    system: tuple[float, ...] = (1.0,)
    reference: tuple[float, ...] = (0.0,)
    std: float = 1.0

    @classmethod
    def temperatures(cls, *temperatures: float) -> Ladder:
        """Levels at these temperatures in units of the system's own; the first is 1."""
        return cls(tuple(1 / t for t in temperatures), (0.0,) * len(temperatures))

    @classmethod
    def bridge(cls, std: float, num_levels: int, power: float = 3.0) -> Ladder:
        """Levels s u + (1 - s) |x|^2 / (2 std^2) from the system to the Gaussian.

        s = c^`power` with c equally spaced from 1 to 0: close where a diverging repulsion is switched on.
        """
        mixtures = [(1 - k / (num_levels - 1)) ** power for k in range(num_levels)]
        return cls(tuple(mixtures), tuple(1 - s for s in mixtures), std)

    def __post_init__(self) -> None:
        if len(self.system) != len(self.reference) or (self.system[0], self.reference[0]) != (1.0, 0.0):
            raise ValueError(
                "A ladder starts with the system itself (system 1, reference 0), with as many factors of one as of "
                f"the other; got {self.system} and {self.reference}."
            )

    def __len__(self) -> int:
        return len(self.system)
