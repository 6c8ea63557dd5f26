"""The size of batches that nobody asks for."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from fake_generators import options

from molediff.molecules.generation import batch_size
from molediff.molecules.generation.batch_size import CPU_ATOMS, MOST_GPU_ATOMS, atoms_in, batch_atoms_of
from molediff.molecules.generation.sampler import plan_batches
from molediff.molecules.generation.stream import groups

GIBIBYTE = 2**30


def test_a_gpu_gets_atoms_for_half_of_what_is_free():
    assert atoms_in(8 * GIBIBYTE) == 4 * GIBIBYTE // 65_536
    assert atoms_in(8 * GIBIBYTE) * 2 == atoms_in(16 * GIBIBYTE)


def test_neither_a_tiny_nor_a_huge_gpu_goes_beyond_what_was_measured():
    assert atoms_in(0) == CPU_ATOMS
    assert atoms_in(1000 * GIBIBYTE) == MOST_GPU_ATOMS


def test_the_memory_of_the_device_that_samples_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda d: asked.append(str(d)) or (4 * GIBIBYTE, 0))
    assert batch_atoms_of("cuda:1") == 32_768
    assert asked == ["cuda:1"]


@pytest.mark.parametrize(("asked", "most"), [(None, CPU_ATOMS), (77, 77)])
def test_options_without_a_size_take_that_of_the_device(asked, most):
    assert options(batch_atoms=asked, device="cpu").most_atoms == most


@dataclass(frozen=True)
class Sized:
    num_atoms: int


@pytest.mark.parametrize(("num_conformers", "least"), [(1, 15_000), (10, 40_000)])
def test_a_stream_of_mixed_molecules_fills_a_gpu_with_little_padding(num_conformers, least):
    """Sizes as in QM9: 18 atoms, give or take 3, from 8 to 29."""
    sizes = np.clip(np.random.default_rng(0).normal(18, 3, 40_000).round().astype(int), 8, 29)
    asked = options(
        device="cuda", batch_atoms=131_072, lookahead=None, num_conformers=num_conformers, max_attempts=1
    )
    group = next(groups(map(Sized, sizes), asked))
    wanted = [(molecule, tuple(range(num_conformers))) for molecule in group]
    batches = list(plan_batches(wanted, asked.most_atoms))
    padded = [batch[0][0].num_atoms * sum(len(slots) for _, slots in batch) for batch in batches]
    real = sum(molecule.num_atoms for molecule in group) * num_conformers
    assert max(padded) <= asked.most_atoms
    assert np.average(padded, weights=padded) > least  # the batch in which an atom finds itself
    assert sum(padded) < 1.06 * real


@pytest.mark.parametrize(("device", "most"), [("cpu", 512), ("cuda", 8192)])
def test_more_molecules_are_read_ahead_for_a_gpu(device, most):
    assert options(lookahead=None, batch_atoms=64, device=device).most_molecules == most
    assert options(lookahead=7, batch_atoms=64, device=device).most_molecules == 7


def test_equal_options_stay_equal_after_the_size_is_found(monkeypatch):
    monkeypatch.setattr(batch_size, "CPU_ATOMS", 4096)
    assert options(batch_atoms=None) == options(batch_atoms=4096)
