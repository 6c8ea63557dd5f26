"""What this machine does: matrix products, sampling by batch size and by part, training, memory. On a CPU or a GPU."""

from __future__ import annotations

import cProfile
import itertools
import math
import pstats
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from molediff.evaluation.conformers.benchmark.speed import matrix_product_share
from molediff.evaluation.conformers.benchmark.speed_run import MEGABYTE, training_step
from molediff.evaluation.report.text import text_table
from molediff.molecules.generator import ConformerGenerator
from molediff.networks.products import linear
from molediff.runtime.checks import choose_device
from molediff.runtime.memory import keep_freed_memory
from molediff.runtime.words import counted
from molediff.training.run import BuildRun

# Of QM9's test split: chains, rings, cages, stereocentres and an E/Z bond, 11 to 20 atoms with hydrogens.
MOLECULES = (
    "CC[C@@H](CCOC)OC", "Cn1nnn(C)c1=O", "C#CC1=N[C@@H](CO)CO1", "CNc1c(N)cnn1C",
    "C#C[C@H](O)/C(N)=N/CC", "OC[C@H]1OC[C@H]2C[C@H]21", "C[C@@H]1[C@H](C)C12COC2", "c1onc2nnoc12",
)  # fmt: skip
PARTS = {
    "reading molecules": ("pipeline.py", "begin"),
    "network and solver": ("sampler.py", "draw"),
    "checks": ("job.py", "examine"),
    "results": ("job.py", "finish"),
}
"""Functions that a call spends its time in."""


def measure(
    weights: str,
    device: str | None,
    num_conformers: int,
    batch_atoms: Sequence[int] | None,
    seconds: float,
    training: dict[str, Any],
    build: BuildRun,
) -> dict[str, Any]:
    """Measure, print the tables, and return the figures.

    Args:
        weights: name or file.
        device: "cpu", "cuda" or None for a GPU where there is one.
        num_conformers: of a molecule.
        batch_atoms: sizes of batches; None: three that suit the device.
        seconds: for each of the sizes and for training.
        training: overrides of train.py, and batch sizes; none of those leaves this part out.
        build: of the training.
    """
    keep_freed_memory()
    chosen = choose_device(device)
    name = (
        torch.cuda.get_device_name()
        if chosen.type == "cuda"
        else f"CPU, {counted(torch.get_num_threads(), 'thread')}"
    )
    peak = {
        str(dtype).removeprefix("torch."): products(chosen, dtype)
        for dtype in (torch.float32, torch.bfloat16)
    }
    print(
        f"{name}: matrix products {peak['float32'] / 1e9:,.0f} GFLOP/s, bfloat16 {peak['bfloat16'] / 1e9:,.0f}"
    )
    sizes = batch_atoms or ((1024, 16384, 131072) if chosen.type == "cuda" else (256, 1024, 4096))
    generator = ConformerGenerator.from_pretrained(weights, device=str(chosen))
    figures: dict[str, Any] = {
        "device": name,
        "products_per_second": peak,
        "sampling": sampling(generator, num_conformers, sizes, seconds, peak["float32"]),
        "parts": parts(generator, num_conformers, sizes[-1]),
    }
    if training["batch_sizes"]:
        try:
            figures["training"] = train_rates(chosen.type, seconds, build, **training)
        except Exception as error:
            if not isinstance(
                error.__cause__ or error, FileNotFoundError
            ):  # a builder may raise its own from it
                raise
            print("training is left out: its data come with the repository, and are not in this folder.")
    figures["peak_megabytes"] = peak_memory_of(chosen)
    print(f"most memory held: {figures['peak_megabytes']:,.0f} MiB")
    return figures


def products(device: torch.device, dtype: torch.dtype, seconds: float = 1.0) -> float:
    """Floating-point operations a second in products of large matrices."""
    size = 8192 if device.type == "cuda" else 1536
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    with torch.inference_mode():
        rate, _ = repeated(lambda: linear(a, b), device, seconds)
    return rate * 2 * size**3


def counted_products() -> FlopCounterMode:
    """Counts the operations of products, those by oneDNN among them, of which torch's counter does not know."""

    def of_linear(x: Sequence[int], weight: Sequence[int], *_: Any, **__: Any) -> int:
        return 2 * math.prod(x) * weight[0]

    by_one_dnn = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    return FlopCounterMode(display=False, custom_mapping={by_one_dnn: of_linear} if by_one_dnn else {})


def repeated(call: Callable[[], Any], device: torch.device, seconds: float) -> tuple[float, int]:
    """Calls a second, and how many were made, after one that does not count."""
    call()
    start, num = now(device), 0
    while now(device) - start < seconds or not num:
        call()
        num += 1
    return num / (now(device) - start), num


def now(device: torch.device) -> float:
    """A clock in seconds: of a GPU the wall, when it is done; of a CPU the processor time of a thread, so that other
    work on the machine does not count.
    """
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time() / torch.get_num_threads()


def sampling(
    generator: ConformerGenerator, num_conformers: int, sizes: Sequence[int], seconds: float, peak: float
) -> list[dict[str, float]]:
    """Conformers a second by size of the batch, with all checks, and their products as a share of `peak`."""
    with counted_products() as counter:
        made = generator.generate_many(MOLECULES[:2], 8)
        num = sum(result.num_conformers for result in made)
    each = counter.get_total_flops() / num
    rows = []
    for size in sizes:
        # Large batches need many molecules, and one call must fill several of them.
        molecules = list(
            itertools.islice(itertools.cycle(MOLECULES), max(8, 2 * size // (18 * num_conformers)))
        )

        def call(molecules: Sequence[str] = molecules, size: int = size) -> None:
            for _ in generator.generate_many(
                molecules, num_conformers, batch_atoms=size, lookahead=len(molecules)
            ):
                pass

        rate, _ = repeated(call, generator.device, seconds)
        found = rate * num_conformers * len(molecules)
        rows.append(
            {"batch_atoms": size, "conformers_per_second": found, "share_of_peak": found * each / peak}
        )
    table = [
        [f"{row['batch_atoms']:,}", f"{row['conformers_per_second']:,.1f}", f"{row['share_of_peak']:.1%}"]
        for row in rows
    ]
    print(text_table(["batch_atoms", "conformers/s", "of peak"], table))
    return rows


def parts(generator: ConformerGenerator, num_conformers: int, size: int) -> dict[str, float]:
    """Share of the time of a call that each of `PARTS` takes, by Python's profiler, which slows all but the network."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in generator.generate_many(MOLECULES, num_conformers, batch_atoms=size):
        pass
    profile.disable()
    found: Any = pstats.Stats(profile)
    shares = {
        part: sum(
            entry[3]
            for (file, _, name), entry in found.stats.items()
            if file.endswith(f"generation/{where[0]}") and name == where[1]
        )
        / found.total_tt
        for part, where in PARTS.items()
    }
    shares["else"] = max(0.0, 1.0 - sum(shares.values()))
    print(text_table(["part of a call", "share"], [[part, f"{share:.1%}"] for part, share in shares.items()]))
    return shares


def train_rates(
    device: str, seconds: float, build: BuildRun, overrides: Sequence[str], batch_sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """Molecules a second of whole training steps, by size of the batch."""
    rows = []
    for size in batch_sizes:
        words = [
            *overrides,
            f"data.batch_size={size}",
            f"device={device}",
            "max_steps=1000000000",
            "max_minutes=null",
        ]
        step, facts = training_step(*build(words))
        rate, _ = repeated(step, torch.device(device), seconds)
        rows.append(
            {
                **facts,
                "molecules_per_second": rate * size,
                "share_of_matrix_products": matrix_product_share(step, 2),
            }
        )
    table = [
        [
            f"{row['batch_size']}",
            f"{row['molecules_per_second']:,.1f}",
            f"{row['share_of_matrix_products']:.0%}",
        ]
        for row in rows
    ]
    print(text_table(["training, batch", "molecules/s", "time in products"], table))
    return rows


def peak_memory_of(device: torch.device) -> float:
    """Most memory in MiB that was held: by tensors on a GPU, by this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / MEGABYTE
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
