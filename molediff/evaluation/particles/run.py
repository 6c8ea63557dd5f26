"""Particle systems from a command's settings: draw configurations, and hold a model against the physics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from molediff.evaluation.particles.draws import Draws, draw, load_draws
from molediff.evaluation.particles.evaluate import ParticleSettings, evaluate_particles
from molediff.evaluation.particles.film import write_cluster_film
from molediff.evaluation.particles.metrics.importance import effective_sample_fraction, log_weights
from molediff.evaluation.particles.page import particle_metrics, particle_page
from molediff.evaluation.particles.plots import particle_plots
from molediff.evaluation.report.html import html_of_film, write_files
from molediff.particles.datasets import load_samples
from molediff.particles.generator import ParticleGenerator
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, complete_file, write_arrays
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted


def sample(
    output: str,
    film: str | None,
    weights: str,
    num_samples: int,
    seed: int,
    density: bool,
    num_nodes: int,
    num_steps: int,
    batch_size: int | None,
    compile: bool,
    diameter: float,
    device: str | None = None,
) -> int:
    """Draw configurations and write them, with their densities if asked for, and a film; return their number.

    Args:
        output: `.npz` with "x" (n, N, d), "energy" (n,), and with `density` "log_density" and "log_weight" (n,), in
            units of kT; or `.xyz`.
        film: `.gif` of the first configuration coming out of noise; or None.
        weights, device: see `ParticleGenerator.from_pretrained`.
        num_samples, seed, num_nodes, num_steps, batch_size: see `ParticleGenerator.generate`.
        density: also compute log-densities.
        compile: compile the network.
        diameter: of the balls in the film, in the unit of length.

    Raises:
        ValueError: a file has another suffix, or a setting is out of range.
        OSError: a file cannot be written.
    """
    file = Path(output)
    if file.suffix not in (".npz", ".xyz"):
        raise ValueError(f"output must end in .npz or .xyz; got {output}")
    if film is not None and Path(film).suffix != ".gif":
        raise ValueError(f"film must end in .gif; got {film}")
    for written in filter(None, (output, film)):
        check_writable(Path(written).parent)
    generator = ParticleGenerator.from_pretrained(weights, device=device, compiled=compile)
    options: dict[str, Any] = {"num_nodes": num_nodes, "num_steps": num_steps, "batch_size": batch_size}
    log_density = None
    if density:
        x, log_density = generator.generate_with_log_prob(num_samples, seed, **options)
    else:
        x = generator.generate(num_samples, seed, **options)
    energy = generator.energy.energy(x)
    arrays = {"x": x, "energy": energy}
    found = [f"{counted(len(x), 'configuration')} in {output}: energy {_quantiles(energy)}"]
    if log_density is not None:
        log_weight = log_weights(energy, log_density)
        arrays |= {"log_density": log_density, "log_weight": log_weight}
        fraction = 100 * effective_sample_fraction(log_weight)
        found.append(f"log-density {_quantiles(log_density)}; effective sample fraction {fraction:.1f} %")
    if file.suffix == ".npz":
        write_arrays(file, **arrays)
    else:
        _write_xyz(file, x, energy)
    print("\n".join(found))
    if film is not None:
        write_cluster_film(generator.trajectory(1, seed), film, diameter=diameter)
        print(f"film in {film}")
    return len(x)


def _quantiles(values: np.ndarray) -> str:
    low, middle, high = np.nanquantile(values, [0.05, 0.5, 0.95])
    return f"{middle:.2f}, 90 % of them from {low:.2f} to {high:.2f}"


def _write_xyz(file: Path, x: np.ndarray, energy: np.ndarray) -> None:
    """The positions as atoms of argon, a format that every viewer reads; points of a plane get z = 0."""
    x = np.concatenate([x, np.zeros((*x.shape[:2], 3 - x.shape[2]))], axis=2)
    with complete_file(file) as out:
        for positions, value in zip(x, energy, strict=True):
            out.write(f"{len(positions)}\nenergy={value:.6f}\n")
            out.writelines(f"Ar {a:.6f} {b:.6f} {c:.6f}\n" for a, b, c in positions)


def evaluate(
    output: str,
    weights: str,
    root: str,
    draws: str | None,
    seeds: Sequence[int],
    num_samples: int,
    num_held_out: int,
    num_checked: int,
    num_aligned: int,
    num_forces: int,
    lambdas: Sequence[float],
    temperature: float,
    compact: Mapping[str, Mapping[str, Any]],
    diameters: Mapping[str, float],
    num_nodes: int,
    num_steps: int,
    compile: bool,
    num_processes: int,
    progress: bool,
) -> None:
    """Measure a model of particles and write the report, its figures, its film and what was drawn.

    Args:
        output: folder of report.html, metrics.json, film.gif and draws.npz.
        weights: name or file.
        root: folder of the Monte Carlo samples, drawn at the first use.
        draws: `.npz` of an earlier evaluation of the same weights; None draws anew.
        seeds: of the draws.
        num_samples: of each seed.
        num_held_out: test configurations whose likelihood is taken.
        num_checked: samples, and test configurations, that are done again by twice the nodes and steps.
        num_aligned, num_forces, lambdas, temperature: see `ParticleSettings`.
        compact: by system, its `contact` and `num_contacts` of `ParticleSettings`.
        diameters: by system, of the balls in the film, in the unit of length.
        num_nodes, num_steps, compile: of the integration.
        num_processes: that share the drawing, one thread each.
        progress: a bar on stderr.

    Raises:
        ValueError: a setting is out of range, or the draws are of other weights.
        OSError: the folder cannot be written.
    """
    check_writable(output)
    folder = Path(output)
    generator = ParticleGenerator.from_pretrained(weights, device="cpu")
    system = generator.metadata["config"]["data"]["system"]
    samples = load_samples(system, root=root, progress=progress)
    if draws is None:
        held_out = samples.test[:num_held_out].astype(np.float64)
        with tqdm(unit=" configurations", disable=not progress or None) as bar:

            def report(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            drawn = draw(
                str(weights), list(seeds), num_samples, held_out, num_checked, num_nodes, num_steps, num_processes,
                report, compile,
            )  # fmt: skip
        drawn.save(folder / "draws.npz")
    else:
        drawn = load_draws(draws)
    settings = ParticleSettings(num_aligned, num_forces, tuple(lambdas), temperature, **compact[system])
    protocol = {
        **_protocol(generator, weights, drawn, num_nodes, num_steps),
        "temperature of the perturbation": temperature,
        "compact": "at least {num_contacts} pairs closer than {contact}".format(**compact[system]),
        **describe_machine(torch.get_num_threads()),
    }
    found = evaluate_particles(
        generator, samples, drawn, settings, protocol, lambda line: print(line, flush=True)
    )
    trajectory = generator.trajectory(1, seeds[0])
    write_cluster_film(trajectory, folder / "film.gif", diameter=diameters[system])
    picture = html_of_film((folder / "film.gif").read_bytes(), "particles freezing")
    plots = particle_plots(found, trajectory)
    for title, plot in plots.items():
        with complete_file(folder / f"{title.split(',')[0].lower().replace(' ', '_')}.svg") as file:
            file.write(plot)
    metrics_path, report_path = write_files(
        folder, particle_metrics(found), particle_page(found, system, plots, picture)
    )
    print(f"{report_path}\n{metrics_path}")


def _protocol(
    generator: ParticleGenerator, weights: str, draws: Draws, num_nodes: int, num_steps: int
) -> dict[str, Any]:
    num_drawn = sum(len(x) for x, _ in draws.samples.values())
    metadata = generator.metadata
    forces = "with" if metadata["config"].get("objective", {}).get("control_variate") else "without"
    return {
        "weights": weights,
        "parameters": f"{sum(p.numel() for p in generator.model.parameters()) / 1e6:.2f} M",
        "trained": f"{metadata.get('minutes', 0):.0f} minutes on {metadata.get('split', '')}, {forces} forces",
        "samples": f"{num_drawn} over seeds {', '.join(map(str, draws.samples))}",
        "held-out samples": len(draws.held_out),
        "rule": f"{counted(num_nodes, 'node')}, {counted(num_steps, 'Runge-Kutta step')} between them",
        "cost": f"{1000 * draws.processor_seconds / num_drawn:.0f} ms of processor time a sample with density",
    }
