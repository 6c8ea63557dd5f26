"""Particle systems whose Boltzmann density is known up to its constant: energies, Monte Carlo, data."""

from molediff.particles.datasets import ParticleSamples, load_samples
from molediff.particles.diagnostics import NotMixedError
from molediff.particles.energies import DoubleWell, Energy, LennardJones, PairPotential, dw4, lj13, lj55
from molediff.particles.mmff import MMFFEnergy
from molediff.particles.systems import System

__all__ = [
    "DoubleWell",
    "Energy",
    "LennardJones",
    "MMFFEnergy",
    "NotMixedError",
    "PairPotential",
    "ParticleSamples",
    "System",
    "dw4",
    "lj13",
    "lj55",
    "load_samples",
]
