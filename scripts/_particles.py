"""Particle systems: draw configurations, and hold a model against the physics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from _cli import DictConfig, use_threads
from tqdm import tqdm

from molediff.evaluation.particles.draws import draw, load_draws
from molediff.evaluation.particles.evaluate import ParticleSettings, evaluate_particles
from molediff.evaluation.particles.film import write_cluster_film
from molediff.evaluation.particles.metrics.importance import effective_share, log_weights
from molediff.evaluation.particles.page import particle_metrics, particle_page
from molediff.evaluation.particles.plots import particle_plots
from molediff.evaluation.report.html import html_of_film, write_files
from molediff.particles.datasets import load_samples
from molediff.particles.generator import ParticleGenerator
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, complete_file, write_arrays


def sample(config: DictConfig, words: list[str]) -> None:
    """Draw configurations and write them, with their densities if asked for; and a film."""
    if words:
        raise ValueError(f"particles take key=value settings alone, such as weights=lj13; got {words[0]!r}")
    output = Path(config.output)
    if output.suffix not in (".npz", ".xyz"):
        raise ValueError(f"output must end in .npz or .xyz; got {output}")
    use_threads(config.threads)
    output.parent.mkdir(parents=True, exist_ok=True)
    generator = ParticleGenerator.from_pretrained(
        config.weights, device=config.device, compiled=config.compile
    )
    options = {"num_nodes": config.num_nodes, "num_steps": config.num_steps, "batch_size": config.batch_size}
    if config.density:
        x, log_density = generator.generate_with_log_prob(config.num_samples, config.seed, **options)
    else:
        x, log_density = generator.generate(config.num_samples, config.seed, **options), None
    energy = generator.energy.energy(x)
    arrays = {"x": x, "energy": energy}
    print(f"{len(x)} configurations in {output}: energy {_quantiles(energy)}")
    if log_density is not None:
        weights = log_weights(energy, log_density)
        arrays |= {"log_density": log_density, "log_weight": weights}
        print(
            f"log-density {_quantiles(log_density)}; effective share {100 * effective_share(weights):.1f} %"
        )
    if output.suffix == ".npz":
        write_arrays(output, **arrays)
    else:
        _write_xyz(output, x, energy)
    if config.film is not None:
        Path(config.film).parent.mkdir(parents=True, exist_ok=True)
        write_cluster_film(generator.trajectory(1, config.seed), config.film, diameter=config.diameter)
        print(f"film in {config.film}")


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


def evaluate(config: DictConfig) -> None:
    """Measure a model of particles and write the report, its figures, its film and what was drawn."""
    use_threads(config.threads)
    check_writable(config.output)
    folder = Path(config.output)
    generator = ParticleGenerator.from_pretrained(config.weights, device="cpu")
    system = generator.metadata["config"]["data"]["system"]
    samples = load_samples(system, root=config.root, progress=config.progress)
    if config.draws is None:
        with tqdm(unit=" configurations", disable=not config.progress or None) as bar:

            def report(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            draws = draw(
                str(config.weights), list(config.seeds), config.num_samples,
                samples.test[: config.num_held_out].astype(np.float64), config.num_checked,
                config.num_nodes, config.num_steps, config.num_processes, report,
                config.compile,
            )  # fmt: skip
        draws.save(folder / "draws.npz")
    else:
        draws = load_draws(config.draws)
    num_drawn = sum(len(x) for x, _ in draws.samples.values())
    settings = ParticleSettings(
        config.num_aligned,
        config.num_forces,
        tuple(config.lambdas),
        config.temperature,
        **config.compact[system],
    )
    minutes, cost = generator.metadata.get("minutes", 0), 1000 * draws.processor_seconds / num_drawn
    objective = generator.metadata["config"].get("objective", {})
    forces = "with" if objective.get("control_variate") else "without"
    protocol = {
        "weights": config.weights,
        "parameters": f"{sum(p.numel() for p in generator.model.parameters()) / 1e6:.2f} M",
        "trained": f"{minutes:.0f} minutes on {generator.metadata.get('split', '')}, {forces} forces",
        "samples": f"{num_drawn} over seeds {', '.join(map(str, draws.samples))}",
        "held-out samples": len(draws.held_out),
        "rule": f"{config.num_nodes} nodes, {config.num_steps} Runge-Kutta steps between them",
        "cost": f"{cost:.0f} ms of processor time a sample with density",
        "temperature of the perturbation": config.temperature,
        "compact": "at least {num_contacts} pairs closer than {contact}".format(**config.compact[system]),
        **describe_machine(torch.get_num_threads()),
    }  # fmt: skip
    found = evaluate_particles(
        generator, samples, draws, settings, protocol, lambda line: print(line, flush=True)
    )
    trajectory = generator.trajectory(1, config.seeds[0])
    write_cluster_film(trajectory, folder / "film.gif", diameter=config.diameters[system])
    picture = html_of_film((folder / "film.gif").read_bytes(), "particles freezing")
    plots = particle_plots(found, trajectory)
    for title, plot in plots.items():
        (folder / f"{title.split(',')[0].lower().replace(' ', '_')}.svg").write_text(plot, encoding="utf-8")
    metrics_path, report_path = write_files(
        folder, particle_metrics(found), particle_page(found, system, plots, picture)
    )
    print(f"{report_path}\n{metrics_path}")
