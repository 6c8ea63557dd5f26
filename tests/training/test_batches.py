"""Batches for training: each sample once a pass, an order that the seed alone fixes, and runs that go on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molediff.training.batches import EndlessBatches, SizeBucketSampler


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), max_size=60), st.integers(1, 7), st.integers(0, 3), st.booleans())
def test_sampler_gives_each_index_once_in_batches_of_equal_size(sizes, batch_size, seed, shuffle):
    sampler = SizeBucketSampler(sizes, batch_size, seed, shuffle)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(i for batch in batches for i in batch) == list(range(len(sizes)))
    assert all(len({sizes[i] for i in batch}) == 1 for batch in batches)
    assert all(1 <= len(batch) <= batch_size for batch in batches)


def test_sampler_order_is_a_function_of_seed_and_pass():
    sizes = [3] * 40 + [4] * 40
    first, again = SizeBucketSampler(sizes, 8, seed=1), SizeBucketSampler(sizes, 8, seed=1)
    passes = [list(first), list(first)]
    assert passes == [list(again), list(again)]
    assert passes[0] != passes[1]
    assert passes[0] != list(SizeBucketSampler(sizes, 8, seed=2))
    plain = SizeBucketSampler(sizes, 8, shuffle=False)
    assert [i for batch in plain for i in batch] == list(range(80))


def test_sampler_refuses_an_impossible_batch_size():
    with pytest.raises(ValueError, match="at least 1"):
        SizeBucketSampler([3, 3], 0)


def test_batches_of_a_resumed_run_are_those_that_were_left():
    sizes = [3, 3, 3, 4, 4, 5, 5, 5, 5, 5]
    whole = iter(EndlessBatches(sizes, 2, seed=3))
    first = [next(whole) for _ in range(30)]
    resumed = iter(EndlessBatches(sizes, 2, seed=3, start=17))
    assert [next(resumed) for _ in range(13)] == first[17:]
    assert all(len({sizes[i] for i in batch}) == 1 for batch in first)
    other = iter(EndlessBatches(sizes, 2, seed=4))
    assert [next(other) for _ in range(30)] != first
