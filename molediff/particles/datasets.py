"""Samples of particle systems by Monte Carlo, made once and cached, with what a statistician asks of them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from molediff.particles.diagnostics import (
    autocorrelation_time,
    check_mixed,
    effective_sample_size,
    standard_error,
)
from molediff.particles.free_energy import log_normalizer
from molediff.particles.monte_carlo import Run, Sampler, Settings
from molediff.particles.systems import SYSTEMS, System
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.files import write_bytes
from molediff.sampling.seeds import numbered_generator

log = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test", "reference")
NUM_SAMPLES = {"train": 100_000, "validation": 10_000, "test": 10_000, "reference": 10_000}

# Rises with every change of the sampler or the layout: caches of another version are made again.
CACHE_VERSION = 1


@dataclass(frozen=True)
class ParticleSamples:
    """Samples of one system; the sets come from independent chains and share nothing.

    Attributes:
        train: positions, float32, (100000, N, d) unless asked for otherwise; centred, labels and rotation random.
        validation: (10000, N, d), for choosing models.
        test: (10000, N, d), for reporting.
        reference: (10000, N, d), a second test set: distances between it and `test` are the floor of a model's.
        facts: JSON values: of every set the R-hat, autocorrelation times, acceptance, swap rates, virial and mean
            energy; `log_normalizer`, `negative_log_likelihood_floor` with standard errors; the seed.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    reference: np.ndarray
    facts: dict[str, Any]


def load_samples(
    system: str | System,
    root: str | Path = "data",
    seed: int = 1,
    num_samples: Mapping[str, int] = NUM_SAMPLES,
    progress: bool = True,
) -> ParticleSamples:
    """Samples of a system from their cache `root`/particles/NAME.safetensors, drawn first where it is missing.

    The facts are beside it in NAME.json, for reading. Another seed or other numbers draw anew.

    Args:
        system: "dw4", "lj13" or "lj55", or a `System` of one's own with a name of its own.
        root: folder of data.
        seed: of all random numbers; equal seeds give equal samples.
        num_samples: how many of each of "train", "validation", "test" and "reference".
        progress: show bars while drawing.

    Raises:
        NotMixedError: a Monte Carlo run has not mixed; nothing is written.
        ValueError: there is no system of that name, or the potential returned NaN.
    """
    if isinstance(system, str):
        if system not in SYSTEMS:
            raise ValueError(f"There are samples of {', '.join(SYSTEMS)}; got {system!r}.")
        system = SYSTEMS[system]
    path = Path(root) / "particles" / f"{system.name}.safetensors"
    key = _key(system, seed, num_samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of several processes that find no cache, one draws and the others wait for it.
    with FileLock(path.with_suffix(".lock")):
        try:
            arrays = read_cache(path, key)
        except StaleCacheError as error:
            log.info("Drawing samples of %s: %s.", system.name, error)
            arrays = _draw_all(system, seed, num_samples, progress)
            write_cache(path, arrays, key)
            write_bytes(path.with_suffix(".json"), arrays["facts"].tobytes())
    facts = json.loads(arrays["facts"].tobytes())
    return ParticleSamples(**{split: arrays[split] for split in SPLITS}, facts=facts)


def _key(system: System, seed: int, num_samples: Mapping[str, int]) -> dict[str, object]:
    """What samples depend on. A function has no name to compare: it is told by its energies of fixed configurations."""
    shape = (8, system.energy.num_particles, system.energy.num_dimensions)
    probes = torch.randn(shape, generator=numbered_generator(0), dtype=torch.float64) * 2 * system.std
    settings = asdict(replace(system, energy=None))  # type: ignore[arg-type]
    return {
        "version": CACHE_VERSION,
        "seed": seed,
        "num_samples": dict(num_samples),
        "settings": json.loads(json.dumps(settings)),
        "energies": [f"{energy:.9e}" for energy in system.energy.energy(probes).tolist()],
    }


def _draw_all(
    system: System, seed: int, num_samples: Mapping[str, int], progress: bool
) -> dict[str, np.ndarray]:
    sets, facts = {}, {}
    for number, split in enumerate(SPLITS):
        generator = numbered_generator(seed, number)
        sets[split], facts[split] = draw_samples(
            system, num_samples[split], generator, progress, f"{system.name}, {split}"
        )
    bridge = estimate_log_normalizer(system, numbered_generator(seed, len(SPLITS)), progress)
    energies = facts["train"]["mean_energy"]
    floor = {
        "value": energies["value"] + bridge["value"],
        "standard_error": float(np.hypot(energies["standard_error"], bridge["standard_error"])),
    }
    text = json.dumps(
        {
            "system": system.name,
            "seed": seed,
            "degrees_of_freedom": system.energy.degrees_of_freedom,
            "log_normalizer": bridge,
            "negative_log_likelihood_floor": floor,
            "sets": facts,
        },
        indent=1,
    )
    return {**sets, "facts": np.frombuffer(text.encode(), dtype=np.uint8)}


def draw_samples(
    system: System,
    num_samples: int,
    generator: torch.Generator,
    progress: bool = False,
    description: str = "Monte Carlo",
) -> tuple[np.ndarray, dict[str, Any]]:
    """Samples (num_samples, N, d), float32, of the symmetric density, in random order; and the facts of the run.

    Raises:
        NotMixedError: the chains have not mixed.
    """
    settings = Settings(
        num_chains=max(-(-num_samples // system.num_draws), 4),
        num_draws=system.num_draws,
        thinning=system.thinning,
        burn_in=system.burn_in,
        num_leapfrog=system.num_leapfrog,
        record_every=max(system.thinning // 10, 1),
        initial_std=system.std,
    )
    start = time.perf_counter()
    run = Sampler(system.energy, system.ladder(), settings, generator).run(progress, description)
    facts = _facts(run, system, settings) | {"seconds": round(time.perf_counter() - start, 1)}
    x = torch.from_numpy(run.positions).flatten(0, 1)
    x = x[torch.randperm(len(x), generator=generator)[:num_samples]]
    return symmetrize(x, generator, system.energy.identical).float().numpy(), facts


def _facts(run: Run, system: System, settings: Settings) -> dict[str, Any]:
    x = torch.from_numpy(run.positions)
    _, gradient = system.energy.energy_and_gradient(x.flatten(0, 1))
    virial = (x.flatten(0, 1) * gradient).sum((1, 2)).view(x.shape[:2]).numpy()
    return {
        "num_chains": settings.num_chains,
        "burn_in": settings.burn_in,
        "moves_between_draws": settings.thinning,
        "leapfrog_steps": settings.num_leapfrog,
        "temperatures": list(system.temperatures),
        "step_sizes": run.step_sizes.round(4).tolist(),
        "acceptance": run.acceptance.round(4).tolist(),
        "swap_rates": run.swap_rates.round(4).tolist(),
        "r_hat": check_mixed(run.traces),
        "autocorrelation_time_in_moves": {
            name: settings.record_every * autocorrelation_time(trace) for name, trace in run.traces.items()
        },
        "effective_sample_size": {name: effective_sample_size(trace) for name, trace in run.traces.items()},
        "mean_energy": _mean(run.traces["energy"]),
        "virial": _mean(virial),
    }


def estimate_log_normalizer(
    system: System, generator: torch.Generator, progress: bool = False
) -> dict[str, float]:
    """log Z of a system with its standard error, in nats, by `free_energy.log_normalizer`.

    Raises:
        NotMixedError: the chains have not mixed at the level of the system.
    """
    settings = Settings(
        num_chains=system.bridge_chains,
        num_draws=1,
        thinning=system.bridge_moves,
        burn_in=system.burn_in,
        num_leapfrog=system.num_leapfrog,
        swap_every=1,
        initial_std=system.std,
    )
    start = time.perf_counter()
    run = Sampler(system.energy, system.bridge(), settings, generator).run(progress, f"{system.name}, log Z")
    check_mixed(run.traces)
    estimate = log_normalizer(run, system.bridge(), system.energy.degrees_of_freedom)
    return {**estimate._asdict(), "seconds": round(time.perf_counter() - start, 1)}


def symmetrize(x: Tensor, generator: torch.Generator, identical: bool = True) -> Tensor:
    """Turn configurations (n, N, d) at random about their centre; relabel and reflect those of identical particles.

    The density does not change under any of these, so this only makes its samples cover it sooner. Molecules keep their
    labels and their hand.
    """
    if identical:
        order = torch.rand(x.shape[:2], generator=generator).argsort(1)
        x = x.gather(1, order[..., None].expand_as(x))
    # QR of normal numbers with the signs of R's diagonal taken out: uniform on O(d) (Mezzadri 2007).
    square = (len(x), x.shape[2], x.shape[2])
    q, r = torch.linalg.qr(torch.randn(square, generator=generator, dtype=x.dtype))
    q = q * r.diagonal(dim1=1, dim2=2).sign()[:, None]
    if not identical:
        q[:, :, 0] *= torch.linalg.det(q)[:, None]
    x = x @ q
    return x - x.mean(1, keepdim=True)


def _mean(values: np.ndarray) -> dict[str, float]:
    """Mean of (num_chains, ...) and its standard error from the chains."""
    return {"value": float(values.mean()), "standard_error": standard_error(values)}
