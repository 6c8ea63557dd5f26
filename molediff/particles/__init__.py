"""Particle systems whose Boltzmann density is known up to its constant: energies, Monte Carlo, data."""

from typing import TYPE_CHECKING

from molediff.particles.energies import DoubleWell, Energy, LennardJones, PairPotential, dw4, lj13, lj55
from molediff.particles.mmff import MMFFEnergy
from molediff.particles.systems import System
from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.particles.datamodule import particle_datamodule as particle_datamodule
    from molediff.particles.datasets import ParticleSamples as ParticleSamples
    from molediff.particles.datasets import load_samples as load_samples
    from molediff.particles.diagnostics import NotMixedError as NotMixedError
    from molediff.particles.generator import ParticleGenerator as ParticleGenerator
    from molediff.particles.settings import Limits as Limits
    from molediff.particles.settings import Sampling as Sampling

__all__ = [
    "DoubleWell",
    "Energy",
    "LennardJones",
    "MMFFEnergy",
    "PairPotential",
    "System",
    "dw4",
    "lj13",
    "lj55",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Limits": "molediff.particles.settings",
        "NotMixedError": "molediff.particles.diagnostics",
        "ParticleGenerator": "molediff.particles.generator",
        "ParticleSamples": "molediff.particles.datasets",
        "Sampling": "molediff.particles.settings",
        "load_samples": "molediff.particles.datasets",
        "particle_datamodule": "molediff.particles.datamodule",
    },
)
