"""Batches of similar sizes under a bound of pairs."""

import itertools

import numpy as np
import pytest

from molediff.molecules.data.similar_sizes import SimilarSizes

RANDOM = np.random.default_rng(0)
HEAVY, HYDROGENS = RANDOM.integers(3, 40, 300), RANDOM.integers(0, 50, 300)


def pairs(batch: list[int]) -> int:
    return len(batch) * int(HEAVY[batch].max() ** 2 + 12 * HYDROGENS[batch].max())


def test_every_molecule_comes_once_a_pass_and_no_batch_is_above_the_bound():
    batches = list(SimilarSizes(HEAVY, HYDROGENS, most_pairs=8000, endless=False))
    assert sorted(itertools.chain(*batches)) == list(range(300))
    assert all(pairs(batch) <= 8000 or len(batch) == 1 for batch in batches)


def test_sizes_in_a_batch_differ_little():
    batches = list(SimilarSizes(HEAVY, HYDROGENS, most_pairs=8000, endless=False))
    assert np.mean([np.ptp(HEAVY[batch]) for batch in batches]) < 1.5


def test_a_resumed_run_goes_on_where_it_was():
    whole = list(itertools.islice(SimilarSizes(HEAVY, HYDROGENS, 8000, seed=3), 200))
    assert list(itertools.islice(SimilarSizes(HEAVY, HYDROGENS, 8000, seed=3, start=120), 80)) == whole[120:]


def test_batches_change_from_pass_to_pass():
    sampler = SimilarSizes(HEAVY, HYDROGENS, 8000)
    first, second = ({tuple(sorted(batch)) for batch in sampler._pass(number)} for number in (0, 1))
    assert len(first & second) < len(first) / 4


def test_bounds_are_checked():
    with pytest.raises(ValueError, match="most_pairs"):
        SimilarSizes(HEAVY, HYDROGENS, 0)
    with pytest.raises(ValueError, match="no molecule"):
        SimilarSizes(HEAVY[:0], HYDROGENS[:0], 100)
