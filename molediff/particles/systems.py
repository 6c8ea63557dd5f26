"""The systems that there are data of, and how each is sampled. Every figure here was chosen by its measured mixing."""

from __future__ import annotations

from dataclasses import dataclass

from molediff.particles.energies import Energy, dw4, lj13, lj55
from molediff.particles.ladder import Ladder


@dataclass(frozen=True)
class System:
    """A named system with the Monte Carlo that mixes it.

    Attributes:
        name: of its files.
        energy: reduced energy.
        temperatures: of replica exchange, in units of the system's own; the first is 1.
        num_leapfrog: leapfrog steps a move.
        thinning: moves between two configurations that are kept.
        burn_in: moves before the first.
        num_draws: configurations kept of each chain; the number of chains follows from the number asked for.
        std: standard deviation of the Gaussian that chains start from and log Z is counted from, in units of length.
        bridge_levels: levels from the system to that Gaussian.
        bridge_chains: chains that log Z is estimated from.
        bridge_moves: moves of each of them after burn-in.
    """

    name: str
    energy: Energy
    temperatures: tuple[float, ...] = (1.0,)
    num_leapfrog: int = 8
    thinning: int = 10
    burn_in: int = 200
    num_draws: int = 200
    std: float = 1.0
    bridge_levels: int = 8
    bridge_chains: int = 60
    bridge_moves: int = 3000

    def ladder(self) -> Ladder:
        """Levels that data are drawn with."""
        return Ladder.temperatures(*self.temperatures)

    def bridge(self) -> Ladder:
        """Levels that log Z is estimated with."""
        return Ladder.bridge(self.std, self.bridge_levels)


SYSTEMS = {
    system.name: system
    for system in (
        System("dw4", dw4, temperatures=(1.0, 1.8, 3.0), num_leapfrog=8, thinning=15, std=2.0),
        System(
            "lj13",
            lj13,
            temperatures=(1.0, 1.15),
            num_leapfrog=24,
            thinning=5,
            bridge_levels=14,
            bridge_moves=1500,
        ),
        # A liquid drop at kT = 1: chains from random starts agree without higher temperatures, which cost time.
        System(
            "lj55",
            lj55,
            num_leapfrog=24,
            thinning=15,
            burn_in=300,
            std=2.0,
            bridge_levels=30,
            bridge_chains=6,
            bridge_moves=2500,
        ),
    )
}
