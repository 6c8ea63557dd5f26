"""Particle systems whose Boltzmann density is known up to its constant: energies, Monte Carlo, data."""

from molediff.particles.energies import (
    DoubleWell,
    Energy,
    LennardJones,
    PairPotential,
    dw4,
    lj13,
    lj55,
)

__all__ = ["DoubleWell", "Energy", "LennardJones", "PairPotential", "dw4", "lj13", "lj55"]
