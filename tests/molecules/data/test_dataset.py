"""The packed data set."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molediff.molecules.data.packing import PackedRecord, pack
from molediff.molecules.data.qm9 import QM9
from molediff.molecules.graph.features import featurize
from molediff.molecules.graph.graph import collate

FIELDS = ("node_codes", "pair_codes", "mask", "chiral_index", "chiral_sign", "positions")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_batch_equals_its_graphs_collated(qm9_rows: QM9, data):
    dataset = qm9_rows.dataset
    indices = data.draw(st.lists(st.integers(0, len(dataset) - 1), min_size=1, max_size=8))
    batch, expected = dataset.batch(indices), collate([dataset[i] for i in indices])
    for field in FIELDS:
        a, b = getattr(batch, field), getattr(expected, field)
        assert a.dtype == b.dtype, field
        assert torch.equal(a, b), field


def test_molecules_come_back_with_their_coordinates_and_features(qm9_rows: QM9):
    dataset = qm9_rows.dataset
    for i in range(len(dataset)):
        mol, graph = dataset.mol(i), dataset[i]
        np.testing.assert_allclose(mol.GetConformer().GetPositions(), graph.pos.numpy(), atol=1e-6)
        np.testing.assert_array_equal(featurize(mol).node_codes, graph.node_codes.numpy())
        assert graph.smiles == dataset.smiles(i)


def test_subset_counts_within_itself(qm9_rows: QM9):
    subset = qm9_rows.dataset.subset([5, 3, 4]).subset([2, 0])
    assert len(subset) == 2
    assert [subset.smiles(i) for i in range(2)] == [qm9_rows.dataset.smiles(i) for i in (4, 5)]
    assert subset.num_atoms.tolist() == qm9_rows.dataset.num_atoms[[4, 5]].tolist()


def test_an_index_out_of_range_is_an_error(qm9_rows: QM9):
    with pytest.raises(IndexError):
        qm9_rows.dataset.batch([len(qm9_rows)])
    with pytest.raises(IndexError):
        qm9_rows.dataset[len(qm9_rows)]


def test_conformers_of_one_molecule_share_its_graph():
    features = featurize(Chem.AddHs(Chem.MolFromSmiles("CO")))
    packed = pack(PackedRecord("CO", features, np.full((6, 3), value)) for value in (1.0, 2.0))
    assert packed.num_conformers == 2
    assert packed.smiles_list() == ["CO"]
    assert len(packed.node_codes) == 6
    assert packed.positions[:, 0].tolist() == [1.0] * 6 + [2.0] * 6
