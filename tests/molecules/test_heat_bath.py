"""Coupled torsions against laws that can be written down."""

import numpy as np

from molediff.molecules.heat_bath import HeatBath


def model(num_bins: int = 5) -> tuple[np.ndarray, list[tuple[int, int]], np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(3, num_bins)), [(0, 1), (1, 2)], random.normal(size=(2, num_bins, num_bins))


def bath_of(fields: np.ndarray, pairs: list[tuple[int, int]], tables: np.ndarray, num: int) -> HeatBath:
    """Of `num` structures of one law."""
    shares = [[np.ones(num)]] * len(pairs)
    return HeatBath(np.repeat(fields[None], num, axis=0), pairs, [[table] for table in tables], shares)


def exact(fields: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Probabilities of all states of three torsions in a chain."""
    logits = fields[0][:, None, None] + fields[1][:, None] + fields[2]
    law = np.exp(logits + tables[0][:, :, None] + tables[1][None])
    return law / law.sum()


def test_sweeps_draw_the_law():
    fields, pairs, tables = model()
    bath, random = bath_of(fields, pairs, tables, 100_000), np.random.default_rng(1)
    bins = random.integers(5, size=(100_000, 3))
    for _ in range(12):
        bath.sweep(bins, random)
    found = np.histogramdd(bins, bins=[np.arange(6) - 0.5] * 3)[0] / len(bins)
    np.testing.assert_allclose(found, exact(fields, tables), atol=0.006)


def test_each_is_told_by_the_others():
    fields, pairs, tables = model()
    logits = bath_of(fields, pairs, tables, 1).logits(np.array([[2, 0, 4]]), 1)
    np.testing.assert_allclose(logits[0], fields[1] + tables[0][2] + tables[1][:, 4], rtol=1e-6)


def test_what_is_still_stays_and_its_neighbours_know_it():
    fields, pairs, tables = model()
    bath, random = bath_of(fields, pairs, tables, 100_000), np.random.default_rng(1)
    bins = random.integers(5, size=(100_000, 3))
    bins[:, 1] = 3
    bath.sweep(bins, random, still=(1,))
    assert (bins[:, 1] == 3).all()
    expected = np.exp(fields[0] + tables[0][:, 3])
    found = np.bincount(bins[:, 0], minlength=5) / len(bins)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.01)


def test_what_is_coupled_to_nothing_is_left_as_it_was_drawn():
    bath = bath_of(np.zeros((2, 4)), [], np.zeros((0, 4, 4)), 2)
    bins = np.array([[1, 2], [3, 0]])
    bath.sweep(bins, np.random.default_rng(0))
    assert bins.tolist() == [[1, 2], [3, 0]]


def test_structures_may_have_other_shares_of_a_coupling():
    fields, pairs, tables = model()
    random = np.random.default_rng(2)
    other = random.normal(size=tables.shape)
    hands = np.array([1, -1, 0, 1])
    parts = [[tables[0], other[0]], [tables[1], other[1]]]
    shares = [[np.ones(4), hands], [np.ones(4), np.ones(4)]]  # of the second pair they are the same for all
    bath = HeatBath(np.repeat(fields[None], 4, 0), pairs, parts, shares)
    bins = random.integers(5, size=(4, 3))
    found = bath.logits(bins, 1)
    for row, (first, _, last) in enumerate(bins):
        mine = tables[0] + hands[row] * other[0]
        expected = fields[1] + mine[first] + (tables[1] + other[1])[:, last]
        np.testing.assert_allclose(found[row], expected, rtol=1e-5, atol=1e-6)
