"""The size of batches that nobody asks for."""

import pytest
import torch
from fake_generators import options

from molediff.molecules.generation import batch_size
from molediff.molecules.generation.batch_size import CPU_ATOMS, MOST_GPU_ATOMS, atoms_in, batch_atoms_of

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


def test_equal_options_stay_equal_after_the_size_is_found(monkeypatch):
    monkeypatch.setattr(batch_size, "CPU_ATOMS", 4096)
    assert options(batch_atoms=None) == options(batch_atoms=4096)
