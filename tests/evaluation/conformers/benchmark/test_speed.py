"""The measuring itself, on things whose cost is known."""

import os
import time

import numpy as np
import pytest
import torch
from rdkit import Chem

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.benchmark.speed import (
    fewest_steps,
    matrix_product_share,
    measure_sampling,
    measure_steps,
    peak_memory,
)

MEGABYTE = 2**20


def touch_memory(num_megabytes: int) -> None:
    np.ones(num_megabytes * MEGABYTE // 8)


def test_steps_are_counted_by_their_samples():
    def step() -> int:
        time.sleep(0.02)
        return 5

    speed = measure_steps(step, seconds=0.3, num_warm_up=1, num_profiled=1)
    assert 50 < speed.samples_per_second <= 250
    assert 2 <= speed.num_steps <= 15


def test_matrix_products_are_told_from_elementwise_work():
    matrix, vector = torch.randn(400, 400), torch.randn(1_000_000)
    assert matrix_product_share(lambda: matrix @ matrix) > 0.8
    assert matrix_product_share(lambda: vector.exp().sin()) < 0.05
    linear = torch.nn.Linear(512, 512)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        share = matrix_product_share(lambda: linear(torch.ones(2048, 512)).sum().backward())
    assert share > 0.3


def test_sampling_counts_conformers_and_failures():
    references = []
    for smiles in ("CCO", "C1CC1"):
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        references.append(etkdg(mol, 1, seed=3))

    def sample(mols):
        yield Chem.Mol(mols[0])  # the reference itself
        yield None

    speed = measure_sampling("copy", references, sample)
    assert (speed.num_conformers, speed.num_failed) == (1, 1)
    assert speed.best_rmsd == pytest.approx(0.0, abs=1e-4)
    assert speed.conformers_per_second == 1 / speed.seconds


def test_fewest_steps_are_held_against_the_most_steps():
    assert fewest_steps({5: 0.2, 10: 0.105, 20: 0.104, 100: 0.1}) == 10
    assert fewest_steps({5: 0.2, 100: 0.1}) == 100
    assert fewest_steps({5: 0.2, 100: float("nan")}) is None


def test_peak_memory_is_that_of_the_function_alone():
    """What this process holds must not count, and what the function lets go of must."""
    held = np.ones(400 * MEGABYTE // 8)
    little, much = peak_memory(touch_memory, 1), peak_memory(touch_memory, 300)
    assert 280 * MEGABYTE < much - little < 320 * MEGABYTE
    assert held.size


def test_a_process_that_dies_is_reported():
    with pytest.raises(RuntimeError, match="died with code 3"):
        peak_memory(os._exit, 3)


def test_a_function_that_fails_is_reported():
    with pytest.raises(RuntimeError, match="division"):
        peak_memory(divmod, 1, 0)
