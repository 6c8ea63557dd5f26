"""Particle systems whose Boltzmann density is known up to its constant: energies, Monte Carlo, data."""

from typing import TYPE_CHECKING

from molediff.particles.datasets import ParticleSamples, load_samples
from molediff.particles.diagnostics import NotMixedError
from molediff.particles.energies import DoubleWell, Energy, LennardJones, PairPotential, dw4, lj13, lj55
from molediff.particles.mmff import MMFFEnergy
from molediff.particles.systems import System
from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.particles.datamodule import particle_datamodule as particle_datamodule
    from molediff.particles.generator import ParticleGenerator as ParticleGenerator

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

__getattr__ = lazy_names(
    __name__,
    {
        "ParticleGenerator": "molediff.particles.generator",
        "particle_datamodule": "molediff.particles.datamodule",
    },
)
