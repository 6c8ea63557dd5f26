"""Stereo of samples as the network leaves them, before any was reflected, rejected or drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.sampler import Sampler
from molediff.molecules.generation.settings import gather
from molediff.molecules.generation.starts import make_starts
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare, sample_generators
from molediff.molecules.perception.stereo import StereoCheck


@dataclass(frozen=True)
class RawStereo:
    """Of one molecule.

    Attributes:
        num_samples: looked at; those without finite coordinates are not.
        num_centres, num_double_bonds: asked for, in all samples together.
        num_wrong_centres, num_wrong_double_bonds: of these, drawn with the other configuration.
    """

    num_samples: int = 0
    num_centres: int = 0
    num_wrong_centres: int = 0
    num_double_bonds: int = 0
    num_wrong_double_bonds: int = 0


def raw_stereo(
    generator: ConformerGenerator, smiles: str, num_samples: int, seed: int, init: str | None = None
) -> RawStereo:
    """Draw samples and compare each centre and double bond by itself; nothing is drawn where no stereo is asked for.

    Args:
        generator: with its weights.
        smiles: isomeric.
        num_samples: to draw.
        seed: of the random numbers; the samples are those of `generate` at its first attempt.
        init: see `Sampling`; None as the weights are meant.

    Raises:
        UnusableInputError: the molecule is outside what the generator takes.
    """
    prepared = prepare(smiles, generator.max_atoms, generator.vocabulary)
    check = StereoCheck(prepared.mol, prepared.graph)
    if not check.asks_for_something:
        return RawStereo()
    plan = generator.plan.with_overrides(None, None, None, init)
    settings = gather({}, {}) | {
        "solver": plan.solver,
        "num_steps": plan.num_steps,
        "grid": plan.grid,
        "init": plan.init,
    }
    options = GenerationOptions(num_conformers=num_samples, seed=seed, **settings)
    slots = range(num_samples)
    starts = []
    if plan.init is not None:
        starts = [make_starts(prepared, plan.init, num_samples, seed).positions(slots, 0)]
    random = sample_generators(seed, [(prepared.key, slots)])
    sampler = Sampler(generator.model, options, generator.device, generator.precision == "bfloat16")
    x = sampler.draw([prepared.graph], [num_samples], random, starts=starts)[0].x
    x = x[np.isfinite(x).all(axis=(1, 2))]
    centres, double_bonds = check.wrong_centres(x), check.wrong_double_bonds(x)
    return RawStereo(len(x), centres.size, int(centres.sum()), double_bonds.size, int(double_bonds.sum()))
