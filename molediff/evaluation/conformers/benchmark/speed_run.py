"""How fast training and sampling are, and how much memory long runs take."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from rdkit.Chem import Mol, MolToSmiles, RemoveHs

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.benchmark.speed import (
    SamplingSpeed,
    fewest_steps,
    measure_sampling,
    measure_steps,
    peak_memory,
)
from molediff.evaluation.conformers.references import read_references
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.words import counted
from molediff.training.optimized import OptimizedTask
from molediff.training.precision import choose_accelerator, choose_precision
from molediff.training.run import BuildRun

MEGABYTE = 2**20


def measure(
    weights: str,
    references: str | None,
    root: str,
    seed: int,
    training: dict[str, Any],
    sampling: dict[str, Any],
    memory: dict[str, Any],
    build: BuildRun,
) -> dict[str, Any]:
    """Measure each part that is not left out, print the tables, and return the figures.

    Args:
        weights: name or file.
        references: .sdf of molecules with reference conformers; None takes QM9's test split.
        root: folder of the QM9 cache.
        seed: of the samples.
        training: arguments of `measure_training`; seconds of 0 leave it out.
        sampling: num_molecules, and arguments of `measure_conformers`; 0 molecules leave it out.
        memory: arguments of `measure_memory`; no num_inputs leave it out.
        build: of the training.
    """
    figures: dict[str, Any] = {}
    if training["seconds"]:
        figures["training"] = measure_training(build=build, **training)
    if sampling["num_molecules"]:
        mols = read_mols(references, root, sampling["num_molecules"])
        settings = {key: value for key, value in sampling.items() if key != "num_molecules"}
        figures["sampling"] = measure_conformers(weights, mols, seed, **settings)
    if memory["num_inputs"]:
        mols = read_mols(references, root, 100)
        figures["memory"] = measure_memory(weights, mols, seed, **memory)
    return figures


def read_mols(references: str | None, root: str, num_molecules: int) -> list[Mol]:
    """The first molecules with reference conformers of a file, or of QM9's test split, which is in random order."""
    if references is None:
        return load_qm9(root).mols("test", range(num_molecules))
    return read_references(references)[:num_molecules]


def measure_training(
    overrides: Sequence[str], seconds: float, threads: int | None, build: BuildRun
) -> dict[str, Any]:
    """Molecules per second of whole training steps in a configuration of `train.py`."""
    if threads is not None:
        torch.set_num_threads(threads)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler logs its own start and stop
    step, facts = training_step(*build([*overrides, "max_steps=1000000000", "max_minutes=null"]))
    speed = measure_steps(step, seconds)
    figures = {
        **facts,
        "threads": torch.get_num_threads(),
        "num_steps": speed.num_steps,
        "molecules_per_second": speed.samples_per_second,
        "share_of_matrix_products": speed.matrix_products,
    }
    print("Training")
    for key, value in figures.items():
        print(f"  {key:28s} {value:.3g}" if isinstance(value, float) else f"  {key:28s} {value}")
    return figures


def training_step(
    task: OptimizedTask, data: Any, settings: dict[str, Any]
) -> tuple[Callable[[], int], dict[str, Any]]:
    """A function that does one whole step and returns its number of molecules; and what kind of step it is."""
    accelerator = choose_accelerator(settings["device"])
    precision = choose_precision(settings["precision"], accelerator)
    task.to(accelerator)
    optimizer = task.configure_optimizers()
    batches = iter(data.train_dataloader())

    def step() -> int:
        batch: Any = tuple(None if part is None else part.to(accelerator) for part in next(batches))
        with torch.autocast(accelerator, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss: Any = task.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        task.on_before_optimizer_step(optimizer)
        task.configure_gradient_clipping(optimizer)
        optimizer.step()
        return len(batch[0])

    return step, {
        "num_parameters": sum(parameter.numel() for parameter in task.model.parameters()),
        "precision": precision,
        "batch_size": data.batch_size,
        "noise_draws": task.num_draws,
    }


def measure_conformers(
    weights: str,
    references: Sequence[Mol],
    seed: int,
    num_conformers: int,
    num_steps: Sequence[int],
    precision: str,
) -> dict[str, Any]:
    """Conformers per second on one thread at several numbers of steps, as ratios to ETKDGv3 on the same molecules."""
    torch.set_num_threads(1)
    generator = ConformerGenerator.from_pretrained(weights, device="cpu", precision=precision)
    generator.generate(references[0], 1, seed)  # warm up

    def sample(mols: Sequence[Mol], steps: int) -> Iterator[Mol | None]:
        for result in generator.generate_many(mols, num_conformers, seed, num_steps=steps):
            yield result.mol if result.num_conformers else None

    baseline = measure_sampling(
        "ETKDGv3", references, lambda mols: (etkdg(mol, num_conformers, seed) for mol in mols)
    )
    speeds = {
        steps: measure_sampling(counted(steps, "step"), references, partial(sample, steps=steps))
        for steps in sorted(num_steps)
    }
    fewest = fewest_steps({steps: speed.best_rmsd for steps, speed in speeds.items()})
    rows = [sampling_row(speed, baseline) for speed in (baseline, *speeds.values())]
    print(
        f"\nSampling, one thread: {counted(len(references), 'molecule')}, {counted(num_conformers, 'conformer')} each"
    )
    best = f"best of {num_conformers}, A"
    print(f"  {'method':12s} {'conformers/s':>12s} {'of ETKDGv3':>11s} {best:>14s} {'failed':>7s}")
    for row in rows:
        print(
            f"  {row['method']:12s} {row['conformers_per_second']:12.2f} {row['ratio_to_etkdg']:11.3f} "
            f"{row['best_rmsd']:14.4f} {row['num_failed']:7d}"
        )
    if fewest is None:
        return {"methods": rows}
    ratio = speeds[fewest].conformers_per_second / baseline.conformers_per_second
    print(f"  fewest steps within 5 % of {max(speeds)}: {fewest}, at {ratio:.3f} of the rate of ETKDGv3")
    return {"methods": rows, "fewest_steps": fewest, "ratio_at_fewest_steps": ratio}


def sampling_row(speed: SamplingSpeed, baseline: SamplingSpeed) -> dict[str, Any]:
    """The figures of one method."""
    return {
        "method": speed.method,
        "conformers_per_second": speed.conformers_per_second,
        "ratio_to_etkdg": speed.conformers_per_second / baseline.conformers_per_second,
        "best_rmsd": speed.best_rmsd,
        "num_conformers": speed.num_conformers,
        "num_failed": speed.num_failed,
    }


def measure_memory(
    weights: str, mols: Sequence[Mol], seed: int, num_inputs: Sequence[int], num_steps: int
) -> dict[str, Any]:
    """Peak memory of a process that samples this many inputs and keeps no result."""
    smiles = [MolToSmiles(RemoveHs(mol)) for mol in mols]
    peaks = {
        num: peak_memory(generate_and_forget, weights, smiles, num, num_steps, seed) for num in num_inputs
    }
    print("\nPeak memory of generate_many")
    for num, peak in peaks.items():
        print(f"  {num:8d} inputs {peak / MEGABYTE:8.0f} MiB")
    return {"peak_megabytes": {str(num): peak / MEGABYTE for num, peak in peaks.items()}}


def generate_and_forget(
    weights: str, smiles: Sequence[str], num_inputs: int, num_steps: int, seed: int
) -> None:
    """Sample `num_inputs` inputs, the same ones again and again, and let go of each result."""
    torch.set_num_threads(1)
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    inputs = itertools.islice(itertools.cycle(smiles), num_inputs)
    for _ in generator.generate_many(inputs, 1, seed, num_steps=num_steps):
        pass
