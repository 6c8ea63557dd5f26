"""Which atoms are carried hydrogens, and what they see."""

import pytest
import torch

from molediff.networks.hydrogens import Split
from tests.networks.conftest import CHIRAL, graphs


def test_places_and_order_are_each_other_s_inverse():
    graph = graphs(CHIRAL, "CO", "FC(F)(F)F")
    split = Split.of(graph)
    for b, mask in enumerate(graph.mask):
        atoms = mask.nonzero()[:, 0]
        assert torch.equal(split.order[b][split.places[b, atoms]], atoms)
        assert int(split.mask[b].sum()) == len(atoms)


def test_neighbours_are_the_atoms_within_three_bonds():
    graph = graphs("CCCCC", "CO")
    split = Split.of(graph)
    for b in range(2):
        bonds_between = graph.pair_codes[b, ..., 1] - 1
        for m in split.carried_mask[b].nonzero()[:, 0].tolist():
            atom = split.carried[b, m]
            seen = split.order[b][split.neighbours[b, m][split.neighbour_mask[b, m]]]
            near = ((bonds_between[atom] >= 1) & (bonds_between[atom] <= 3) & graph.mask[b]).nonzero()[:, 0]
            assert sorted(seen.tolist()) == near.tolist()
            assert bonds_between[atom, split.heavy[b, split.parent[b, m]]] == 1


@pytest.mark.parametrize("smiles", ["[H][H]", "[H+]", "FC(F)(F)F"])
def test_what_has_no_carried_hydrogens(smiles: str):
    split = Split.of(graphs(smiles))
    assert not bool(split.carried_mask.any())
    assert bool(split.heavy_mask.all())
