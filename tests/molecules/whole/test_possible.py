"""Ruling out what no molecule could complete, against all completions of small graphs."""

import itertools

import numpy as np
import pytest
import torch

from molediff.molecules.whole.alphabet import Alphabet, AtomKind
from molediff.molecules.whole.graphs import GraphError, mol_of
from molediff.molecules.whole.possible import only_possible, possible_categories
from molediff.networks.graph_denoiser import GraphSizes

SMALL = Alphabet((AtomKind(6, 0, 4), AtomKind(9, 0, 1), AtomKind(8, 0, 2), AtomKind(7, 0, 3)))
VALENCE = torch.tensor([kind.valence for kind in SMALL.kinds])
MASK = len(SMALL)


def is_molecule(state):
    try:
        mol_of(np.array(state), SMALL)
    except GraphError:
        return False
    return True


@pytest.fixture(scope="module")
def molecules():
    """All states of three atoms that are molecules."""
    return [state for state in itertools.product(range(4), repeat=6) if is_molecule(state)]


def test_nothing_that_a_molecule_has_is_ruled_out(molecules):
    generator = np.random.default_rng(0)
    whole = torch.tensor([molecules[k] for k in generator.integers(len(molecules), size=400)])
    masked = torch.from_numpy(generator.random(whole.shape) < generator.random((400, 1)))
    x_t = whole.masked_fill(masked, MASK)
    allowed = possible_categories(x_t, VALENCE, GraphSizes(torch.full((400,), 3), 3))
    for state, row in zip(x_t.tolist(), allowed, strict=True):
        completions = [m for m in molecules if all(s in (MASK, e) for s, e in zip(state, m, strict=True))]
        for place, entry in enumerate(state):
            for category in {m[place] for m in completions} if entry == MASK else ():
                assert row[place, category], (state, place, category)


def test_the_last_choice_is_exactly_what_makes_a_molecule(molecules):
    known = set(molecules)
    wrong = 0
    for state in molecules[::23]:
        for place in range(6):
            x_t = torch.tensor([state])
            x_t[0, place] = MASK
            allowed = possible_categories(x_t, VALENCE, GraphSizes(torch.tensor([3]), 3))[0, place]
            for category in range(4):
                completed = (*state[:place], category, *state[place + 1 :])
                wrong += bool(allowed[category]) != (completed in known)
    assert wrong == 0


def test_a_full_atom_takes_no_bond_and_a_bridge_must_be_one():
    # F-C with a third atom, C, not yet bonded: F is full, so that C must be bonded to the first C.
    x_t = torch.tensor([[0, 1, 1, MASK, MASK, 0]])
    allowed = possible_categories(x_t, VALENCE, GraphSizes(torch.tensor([3]), 3))[0]
    assert allowed[3].tolist() == [False, True, True, True]
    assert allowed[4].tolist() == [True, False, False, False]


def test_padding_joins_nothing():
    x_t = torch.tensor([[0, MASK, 0, 0, 0, 0]])
    allowed = possible_categories(x_t, VALENCE, GraphSizes(torch.tensor([2]), 3))[0]
    assert not allowed[1, 0]


def test_the_estimate_of_what_is_left_stays_in_proportion_and_dead_ends_keep_theirs():
    logits = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    sizes = GraphSizes(torch.tensor([3]), 3)
    x_t = torch.tensor([[0, 1, 1, MASK, MASK, 0]])
    found = only_possible(lambda x, t: logits, SMALL, sizes)(x_t, torch.zeros(1))
    assert found[0, 3, 0].isneginf()
    torch.testing.assert_close(found[0, 3, 1:], logits[0, 3, 1:])
    broken = torch.tensor([[MASK, 3, 1, 3, 3, 0]])  # no atom has six bonds
    assert only_possible(lambda x, t: logits, SMALL, sizes)(broken, torch.zeros(1))[0, 0].isfinite().all()
