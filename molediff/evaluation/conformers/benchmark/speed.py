"""How fast: training steps, sampling against RDKit, and the memory that a long run takes.

Times of one thread are processor times, so that other work on the machine does not count; times of a step are wall
times. Figures of different machines do not compare: what is reported are ratios of two things timed in one run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from rdkit.Chem import Mol
from torch.profiler import ProfilerActivity, profile

from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.runtime.processes import as_completed

# The matrix products among torch's own operations, on CPU and GPU; convolutions and attention kernels are products too.
MATRIX_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "linear", "convolution", "attention")


@dataclass(frozen=True)
class StepSpeed:
    """How fast training steps are.

    Attributes:
        samples_per_second: wall time, data loading included if the step does it.
        num_steps: steps timed.
        matrix_products: share of the operations' own time that is spent in matrix products, between 0 and 1.
    """

    samples_per_second: float
    num_steps: int
    matrix_products: float


def measure_steps(
    step: Callable[[], int], seconds: float = 20.0, num_warm_up: int = 5, num_profiled: int = 5
) -> StepSpeed:
    """Time training steps, then look into a few of them with torch's profiler.

    Args:
        step: does one whole step (forward, backward, optimizer) and returns the number of samples in it.
        seconds: least time to measure for.
        num_warm_up: steps before the clock starts.
        num_profiled: steps under the profiler, after the clock has stopped.
    """
    for _ in range(num_warm_up):
        step()
    _synchronize()
    start = time.perf_counter()
    num_steps = num_samples = 0
    while time.perf_counter() - start < seconds or num_steps == 0:
        num_samples += step()
        num_steps += 1
    _synchronize()
    rate = num_samples / (time.perf_counter() - start)
    return StepSpeed(rate, num_steps, matrix_product_share(step, num_profiled))


def matrix_product_share(step: Callable[[], object], num_steps: int = 5) -> float:
    """Share of operations' own time that `step` spends in matrix products, on the GPU if it runs there."""
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        for _ in range(num_steps):
            step()
    events = profiler.key_averages()
    on_device = any(event.self_device_time_total > 0 for event in events)
    times = {
        event.key: event.self_device_time_total if on_device else event.self_cpu_time_total
        for event in events
    }
    total = sum(times.values())
    products = sum(spent for key, spent in times.items() if _is_matrix_product(key))
    return products / total if total else 0.0


def _is_matrix_product(operation: str) -> bool:
    namespace, _, name = operation.partition("::")
    return namespace in ("aten", "mkldnn") and any(word in name for word in MATRIX_PRODUCTS)


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


@dataclass(frozen=True)
class SamplingSpeed:
    """How fast a method makes conformers, and how good they are.

    Attributes:
        method: its name.
        num_conformers: conformers returned, over all molecules.
        num_failed: molecules without one.
        seconds: processor time.
        best_rmsd: heavy-atom RMSD to the reference of the nearest conformer, mean over the molecules that have
            conformers, in Angstrom.
    """

    method: str
    num_conformers: int
    num_failed: int
    seconds: float
    best_rmsd: float

    @property
    def conformers_per_second(self) -> float:
        """Conformers returned per second of processor time."""
        return self.num_conformers / self.seconds


def measure_sampling(
    method: str, references: Sequence[Mol], sample: Callable[[Sequence[Mol]], Iterable[Mol | None]]
) -> SamplingSpeed:
    """Time a method on molecules with known conformers; the comparison with them is not timed.

    Args:
        method: its name.
        references: molecules with explicit hydrogens and a reference conformer.
        sample: from the molecules to their conformers, None where it fails, in the same order.
    """
    start = time.process_time()
    samples = list(sample(references))
    seconds = time.process_time() - start
    best = [
        float(rmsd_matrix(reference, mol).min())
        for reference, mol in zip(references, samples, strict=True)
        if mol is not None and mol.GetNumConformers()
    ]
    num_conformers = sum(mol.GetNumConformers() for mol in samples if mol is not None)
    best_rmsd = float(np.mean(best)) if best else float("nan")
    return SamplingSpeed(method, num_conformers, len(references) - len(best), seconds, best_rmsd)


def fewest_steps(best_rmsd: dict[int, float], tolerance: float = 0.05) -> int | None:
    """The fewest steps that are as good as the most; None if the most gave no conformer.

    Args:
        best_rmsd: number of steps -> mean best RMSD in Angstrom.
        tolerance: how much worse still counts as good, as a share of the RMSD at the most steps.
    """
    bound = (1 + tolerance) * best_rmsd[max(best_rmsd)]
    return min((steps for steps, rmsd in best_rmsd.items() if rmsd <= bound), default=None)


def peak_memory(function: Callable[..., object], *arguments: object) -> int:
    """Most memory in bytes that a new process of its own holds while it runs `function(*arguments)`.

    Args:
        function: of a module, since the new process must import it.
        *arguments: anything that can be pickled.

    Raises:
        RuntimeError: the function failed or its process died, or the system is not Linux.
    """
    (outcome,) = as_completed(partial(_peak, function), [arguments], num_processes=1)
    if outcome.value is None:
        raise RuntimeError(f"The measured function gave no figure: {outcome.reason}.")
    return outcome.value


def _peak(function: Callable[..., object], arguments: tuple[object, ...]) -> int:
    function(*arguments)
    # Not getrusage: after a fork its peak begins at that of the parent.
    with open("/proc/self/status", encoding="ascii") as file:
        kilobytes = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    return 1024 * kilobytes
