"""The gallery of docs/gallery.md: solvers and schedules against exact answers, and films of diffusion."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from molediff.evaluation.mathematics.exact_law import Floor
from molediff.evaluation.mathematics.gradient_variance import measure_gradient_variance
from molediff.evaluation.mathematics.ode_against_sde import expected_shifts, measure_quality
from molediff.evaluation.mathematics.schedule_plots import melting_figure, schedule_quality_figure
from molediff.evaluation.mathematics.schedules import describe_schedule, measure_melting, measure_schedules
from molediff.evaluation.mathematics.solver_errors import (
    ADAPTIVE,
    ODE_SOLVERS,
    PATHS,
    STOCHASTIC_SOLVERS,
    Curve,
    measure_flow_errors,
    measure_law_errors,
    measure_weak_orders,
)
from molediff.evaluation.mathematics.solver_plots import error_figure, quality_figure
from molediff.evaluation.report.files import write_figure
from molediff.evaluation.report.text import text_table
from molediff.runtime.words import counted


def solvers(
    folder: str,
    seed: int,
    errors: dict[str, Any],
    weak_orders: dict[str, Any],
    quality: dict[str, Any],
    overhead: dict[str, Any],
    gradients: dict[str, Any],
) -> dict[str, Any]:
    """Run what `configs/benchmark/solvers.yaml` asks for: print tables, write pictures, return the figures."""
    torch.set_num_threads(1)
    return {
        "errors": _errors(Path(folder), seed, **errors),
        "weak_orders": _weak_orders(**weak_orders),
        "quality": _quality(Path(folder), seed, **quality),
        "overhead": _overhead(**overhead),
        "gradients": _gradients(seed, **gradients),
    }


def schedules(folder: str, seed: int, melting: dict[str, Any], quality: dict[str, Any]) -> dict[str, Any]:
    """Run what `configs/benchmark/schedules.yaml` asks for: print tables, write pictures, return the figures."""
    torch.set_num_threads(1)
    curve = measure_melting(melting["num_samples"], seed)
    clocks = [describe_schedule(name, curve) for name in PATHS]
    _save(melting_figure(curve, clocks), Path(folder) / "melting.png")
    print(f"Melting: lambda {curve.lambda_at(0.9):.2f} to {curve.lambda_at(0.1):.2f} on every path")
    _table(
        ("path", "half molten at t", "share of time spent melting"),
        ((clock.path, f"{clock.t_half:.3f}", f"{clock.transition_fraction:.3f}") for clock in clocks),
    )
    qualities, floor = measure_schedules(seed=seed, **quality)
    _save(schedule_quality_figure(qualities, floor), Path(folder) / "schedules.png")
    print(f"\nWasserstein distance to the law; {_range(floor)}")
    _table(
        ("solver", "grid", "path", *map(str, quality["num_evaluations"])),
        sorted((q.solver, q.grid, q.path, *_numbers(q.wasserstein)) for q in qualities),
        num_names=3,
    )
    return {
        "melting": asdict(curve),
        "schedules": [
            # with the former keys, for one release
            {**asdict(clock), "half_molten": clock.t_half, "melting_share": clock.transition_fraction}
            for clock in clocks
        ],
        "quality": {"floor": floor, "curves": [asdict(quality) for quality in qualities]},
    }


def films(folder: str, **settings: dict[str, Any]) -> dict[str, int]:
    """Write the films that `configs/benchmark/films.yaml` asks for; return their sizes in bytes."""
    from molediff.evaluation.mathematics.films import film_density, film_trajectories

    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    sizes = {}
    for name, film in {"density": film_density, "trajectories": film_trajectories}.items():
        file = Path(folder) / f"{name}.gif"
        film(file, **settings[name])
        sizes[file.name] = file.stat().st_size
        print(f"{file}: {sizes[file.name] / 1000:.0f} kB")
    return sizes


def _errors(
    folder: Path,
    seed: int,
    paths: Sequence[str] | None,
    num_evaluations: Sequence[int],
    num_flows: int,
    num_samples: int,
) -> dict[str, Any]:
    curves, floors = [], {}
    for path in paths or PATHS:
        laws, floors[path] = measure_law_errors(path, num_evaluations, num_samples, seed)
        found = [*measure_flow_errors(path, num_evaluations, num_flows), *laws]
        curves.extend(found)
        print(f"\n{path}: distance to the exact flow (ODE), to the exact law (SDE; {_range(floors[path])})")
        _table(
            ("solver", "order", *(counted(num, "evaluation") for num in num_evaluations)),
            ((c.solver, f"{c.order:.2f}" if c.order else "", *_entries(c)) for c in found),
        )
    _save(error_figure(curves, floors, stochastic=False), folder / "solver_errors.png")
    _save(error_figure(curves, floors, stochastic=True), folder / "solver_laws.png")
    return {"floors": floors, "curves": [asdict(curve) for curve in curves]}


def _weak_orders(num_steps: Sequence[int]) -> dict[str, float]:
    orders = measure_weak_orders(num_steps)
    print("\nWeak orders on a normal: variance of the output, without sampling error")
    _table(("solver", "order"), ((name, f"{order:.2f}") for name, order in orders.items()))
    return orders


def _quality(folder: Path, seed: int, num_evaluations: Sequence[int], num_samples: int) -> dict[str, Any]:
    qualities, floor = measure_quality(num_evaluations, num_samples, seed)
    _save(quality_figure(qualities, floor), folder / "ode_against_sde.png")
    for name, title in (
        ("wasserstein", "Wasserstein distance to the law"),
        ("lost_weight", "weight in wrong modes"),
        ("spread", "width of the modes over the exact one"),
    ):
        print(f"\nODE against SDE, {title}; {_range(floor[name])}")
        _table(
            ("network", "solver", *map(str, num_evaluations)),
            ((q.network, q.solver, *_numbers(getattr(q, name))) for q in qualities),
            num_names=2,
        )
    ode, sde = expected_shifts()
    print(
        f"An error at high noise: theory leaves {ode:.2f} of it at the end by the ODE, {sde:.2f} by the SDE"
    )
    return {"floor": floor, "expected_shifts": [ode, sde], "curves": [asdict(q) for q in qualities]}


def _overhead(num_samples: int, num_steps: int, num_repeats: int) -> dict[str, Any]:
    if num_samples == 0:
        return {}
    from molediff.evaluation.mathematics.solver_overhead import measure_overhead

    found = measure_overhead({**ODE_SOLVERS, **STOCHASTIC_SOLVERS}, num_samples, num_steps, num_repeats)
    shares = {name: found.share(name) for name in found.loop}
    print(
        f"\nOverhead of the loop, batch {found.num_samples} x {found.num_atoms} x 3: one call of the network "
        f"({found.num_parameters / 1e6:.2f} M parameters) {1000 * found.network:.0f} ms"
    )
    _table(
        ("solver", "loop, ms an evaluation", "overhead / %"),
        ((name, f"{1000 * found.loop[name]:.2f}", f"{100 * share:.2f}") for name, share in shares.items()),
    )
    return {**asdict(found), "shares": shares}


def _gradients(seed: int, num_samples: int) -> list[dict[str, Any]]:
    found = measure_gradient_variance(num_samples, seed)
    print(f"\nOne gradient, two estimates of {num_samples} samples: times drawn, or uniform and weighted")
    _table(
        ("objective", "mean, drawn", "mean, weighted", "error", "variances", "", "ratio"),
        (
            (
                g.objective,
                f"{g.mean_by_density:.4f}",
                f"{g.mean_by_weight:.4f}",
                f"{g.error:.4f}",
                f"{g.variance_by_density:.4f}",
                f"{g.variance_by_weight:.4f}",
                f"{g.ratio:.2f}",
            )
            for g in found
        ),
    )
    return [{**asdict(g), "ratio": g.ratio} for g in found]


def _range(floor: Floor) -> str:
    return f"exact samples {floor[0]:.3f} to {floor[1]:.3f}"


def _entries(curve: Curve) -> list[str]:
    """Errors for the columns of evaluations; dopri5 chooses its own number of them, which is shown too."""
    numbers = _numbers(curve.errors)
    if curve.solver != ADAPTIVE:
        return numbers
    return [f"{number} at {count}" for number, count in zip(numbers, curve.num_evaluations, strict=True)]


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:.2g}" for value in values]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], num_names: int = 1) -> None:
    """Print a table whose lines may be of several lengths: dopri5 chooses its own numbers of evaluations."""
    lines = [list(head), *map(list, rows)]
    longest = max(map(len, lines))
    first, *rest = [[*line, *[""] * (longest - len(line))] for line in lines]
    print(text_table(first, rest, num_names=num_names))


def _save(figure: Figure, file: Path) -> None:
    write_figure(figure, file)
    print(file)
