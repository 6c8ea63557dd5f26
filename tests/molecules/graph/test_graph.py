"""Features, graphs and their batches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from places import DATA
from rdkit import Chem
from rdkit.Chem import AllChem
from torch_geometric.data import Batch

from molediff.molecules.data.qm9 import QM9, load_qm9
from molediff.molecules.graph.features import PAIR_TABLE, featurize
from molediff.molecules.graph.graph import (
    NODE_CARDINALITIES,
    PAIR_CARDINALITIES,
    MolecularGraph,
    collate,
    mol_to_graph,
)
from molediff.molecules.perception.canonical import assign_stereo

SMILES = (
    "C[C@H](O)C(N)=O",
    "F/C=C/F",
    "C/C(F)=C(\\N)O",
    "[H]/N=C/C",
    "C[C@H]1C[C@@H](O)C1",
    "CC12CC(C1)C2",
    "C12C3C4C1C5C2C3C45",
    "c1ccc2[nH]ccc2c1",
    "NC(=[NH2+])C([O-])=O",
    "C[C@@]1(F)CO1",
    "C#CC#N",
    "C",
)


def molecule(smiles: str) -> Chem.Mol:
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


def column(graph: MolecularGraph, name: str) -> np.ndarray:
    number = ("bond", "distance", "ring", "stereo", "conjugated").index(name)
    return graph.pair_codes[:, number].view(graph.num_nodes, graph.num_nodes).numpy()


def hands(index: np.ndarray, sign: np.ndarray) -> set[tuple[int, ...]]:
    """Triples as (centre, three sorted neighbours, sign of the sorted triple)."""
    found = set()
    for (centre, *neighbours), s in zip(index.T.tolist(), sign.tolist(), strict=True):
        order = np.argsort(neighbours)
        parity = round(np.linalg.det(np.eye(3)[order]))
        found.add((centre, *np.array(neighbours)[order].tolist(), int(s) * parity))
    return found


def signed_volumes(index: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Signed volume of each triple of neighbours about its centre; index (4, T), x (N, 3)."""
    centre, a, b, d = x[index.astype(int)]
    return np.einsum("ti,ti->t", a - centre, np.cross(b - centre, d - centre))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SMILES), st.randoms(use_true_random=False))
def test_features_follow_a_renumbering_of_the_atoms(smiles, random):
    mol = molecule(smiles)
    order = list(range(mol.GetNumAtoms()))
    random.shuffle(order)
    plain, renumbered = featurize(mol), featurize(Chem.RenumberAtoms(mol, order))
    np.testing.assert_array_equal(renumbered.node_codes, plain.node_codes[order])
    np.testing.assert_array_equal(renumbered.pair_words, plain.pair_words[np.ix_(order, order)])
    new_index = np.argsort(order)[plain.chiral_index.astype(int)]
    assert hands(renumbered.chiral_index, renumbered.chiral_sign) == hands(new_index, plain.chiral_sign)


@pytest.mark.parametrize("smiles", SMILES)
def test_codes_stay_below_their_cardinalities_and_above_padding(smiles):
    graph = mol_to_graph(molecule(smiles))
    assert (graph.node_codes > 0).all()
    assert (graph.node_codes < torch.tensor(NODE_CARDINALITIES)).all()
    assert (graph.pair_codes < torch.tensor(PAIR_CARDINALITIES)).all()
    assert (graph.pair_codes[:, 1] > 0).all()


def test_every_packed_word_unpacks_to_its_own_categories():
    assert len(np.unique(PAIR_TABLE, axis=0)) == len(PAIR_TABLE) == np.prod(PAIR_CARDINALITIES)
    assert not PAIR_TABLE[0].any()


def test_node_codes_of_protonated_methyloxirane_amine():
    # Atoms: methyl, ring carbon, ring oxygen, ring carbon, ammonium nitrogen, then hydrogens.
    graph = mol_to_graph(molecule("CC1OC1[NH3+]"))
    expected = [
        [2, 3, 5, 4, 4, 1, 1],
        [2, 3, 5, 2, 4, 1, 2],
        [4, 3, 3, 1, 4, 1, 2],
        [2, 3, 5, 2, 4, 1, 2],
        [3, 4, 5, 4, 4, 1, 1],
        [1, 3, 2, 1, 1, 1, 1],
    ]
    assert graph.node_codes[:6].tolist() == expected


def test_pair_codes_of_butadiene_and_cyclopropene():
    butadiene = mol_to_graph(molecule("C=CC=C"))
    assert column(butadiene, "bond")[0, :4].tolist() == [0, 2, 0, 0]
    assert column(butadiene, "distance")[0, :4].tolist() == [1, 2, 3, 4]
    assert column(butadiene, "conjugated")[[0, 1, 2], [1, 2, 3]].tolist() == [1, 1, 1]
    ring = column(mol_to_graph(molecule("CC1=CC1")), "ring")
    assert ring[0].tolist() == [0] * 10
    assert ring[1, :4].tolist() == [0, 0, 1, 1]


def test_distance_is_clipped_and_fragments_are_far():
    distance = column(mol_to_graph(molecule("C" * 14)), "distance")
    assert distance[0, :14].tolist() == [*range(1, 13), 12, 12]
    assert column(mol_to_graph(molecule("C.C")), "distance")[0, 1] == PAIR_CARDINALITIES[1] - 1


@pytest.mark.parametrize(
    ("smiles", "cis", "trans"),
    [
        # All four pairs of substituents of the double bond, hydrogens included; none where it is left open.
        ("FC=CO", [], []),
        ("F/C=C/F", [(0, 5), (4, 3)], [(0, 3), (4, 5)]),
        ("F/C=C\\F", [(0, 3), (4, 5)], [(0, 5), (4, 3)]),
        ("FC=CF", [], []),
        ("C/C(F)=C(\\N)O", [(0, 4), (2, 5)], [(0, 5), (2, 4)]),
    ],
)
def test_cis_and_trans_mark_all_substituents(smiles, cis, trans):
    stereo = column(mol_to_graph(molecule(smiles)), "stereo")
    expected = np.zeros_like(stereo)
    for code, pairs in ((1, cis), (2, trans)):
        for i, j in pairs:
            expected[i, j] = expected[j, i] = code
    np.testing.assert_array_equal(stereo, expected)


def test_enantiomers_differ_in_all_signs_and_in_nothing_else():
    right, left = (featurize(molecule(smiles)) for smiles in ("C[C@H](O)C(N)=O", "C[C@@H](O)C(N)=O"))
    np.testing.assert_array_equal(right.node_codes, left.node_codes)
    np.testing.assert_array_equal(right.pair_words, left.pair_words)
    np.testing.assert_array_equal(right.chiral_index, left.chiral_index)
    np.testing.assert_array_equal(right.chiral_sign, -left.chiral_sign)
    assert len(right.chiral_sign) == 4


@pytest.mark.parametrize("smiles", ["C[N@]1C[C@H]1F", "C[N@@]1C[C@H]1F", "C[N@]1C[C@@H]1F"])
def test_a_centre_with_a_lone_pair_has_one_triple_of_the_right_hand(smiles):
    mol = molecule(smiles)
    assert AllChem.EmbedMolecule(mol, randomSeed=3) == 0
    features = featurize(mol)
    assert (features.chiral_index[0] == 1).sum() == 1
    volume = signed_volumes(features.chiral_index, mol.GetConformer().GetPositions())
    np.testing.assert_array_equal(np.sign(volume), features.chiral_sign)


def test_signs_agree_with_the_geometry_of_stereo_molecules(qm9_rows: QM9):
    num_centres = 0
    for i in range(len(qm9_rows)):
        mol = qm9_rows.dataset.mol(i)
        features = featurize(mol)
        volume = signed_volumes(features.chiral_index, mol.GetConformer().GetPositions())
        # The four triples of a centre sum to the volume of its neighbours' tetrahedron.
        total = np.bincount(features.chiral_index[0], volume * features.chiral_sign)
        centres = np.unique(features.chiral_index[0])
        assert (total[centres] > 1.0).all()
        num_centres += len(centres)
    assert num_centres > 40


def test_hands_do_not_depend_on_the_order_of_the_atoms(qm9_rows: QM9):
    # In these cages RDKit's own perception changes with the order: 90160 and 90200.
    rng = np.random.default_rng(1)
    for number in (90160, 90200, 41127):
        i = int(np.flatnonzero(qm9_rows.index == number)[0])
        mol = qm9_rows.dataset.mol(i)
        for _ in range(10):
            other = Chem.RenumberAtoms(mol, rng.permutation(mol.GetNumAtoms()).tolist())
            assign_stereo(other)
            assert Chem.MolToSmiles(Chem.RemoveHs(other)) == qm9_rows.dataset.smiles(i)


def test_signs_agree_on_two_thousand_molecules_of_qm9():
    """Runs where the full cache has been built."""
    root = DATA
    if not (root / "qm9" / "qm9.safetensors").exists():
        pytest.skip("the QM9 cache has not been built")
    dataset = load_qm9(root).dataset
    has_centres = np.diff(dataset.packed.chiral_start)[dataset.packed.molecule] > 0
    chosen = np.random.default_rng(0).choice(np.flatnonzero(has_centres), 2000, replace=False)
    batch = dataset.batch(chosen)
    x = batch.positions.view(-1, 3).double().numpy()
    index = batch.chiral_index.numpy().T
    agreement = signed_volumes(index, x) * batch.chiral_sign.numpy()
    total = np.bincount(index[0], agreement)[np.unique(index[0])]
    assert (total > 0).all()
    # In strained cages all bonds of a carbon may lie on one side: single triples then have the other sign.
    assert (agreement > 0).mean() > 0.995


def test_batch_of_graphs_is_padded_and_keeps_what_it_was_given():
    mols = [molecule(smiles) for smiles in ("C[C@H](O)C(N)=O", "O", "F/C=C/F")]
    graphs = [mol_to_graph(mol) for mol in mols]
    batch = collate(graphs)
    assert batch.num_graphs == len(batch) == 3
    assert batch.positions is None
    assert batch.mask.sum(1).tolist() == [13, 3, 6]
    assert not batch.node_codes[~batch.mask].any()
    assert not batch.pair_codes[~(batch.mask[:, :, None] & batch.mask[:, None, :])].any()
    for i, graph in enumerate(graphs):
        n = graph.num_nodes
        assert torch.equal(batch.node_codes[i, :n], graph.node_codes)
        assert torch.equal(batch.pair_codes[i, :n, :n].reshape(n * n, -1), graph.pair_codes)
    assert torch.equal(batch.chiral_index, graphs[0].chiral_index.T)


def test_repeat_puts_copies_next_to_each_other_and_moves_the_stereocentres_along():
    graphs = [mol_to_graph(molecule(smiles)) for smiles in ("C[C@H](O)C(N)=O", "C1[C@H](N)O1")]
    repeated, expected = (
        collate(graphs).repeat(3),
        collate([graph for graph in graphs for _ in range(3)]),
    )
    assert torch.equal(repeated.mask, expected.mask)
    assert torch.equal(repeated.pair_codes, expected.pair_codes)

    def triples(batch):
        return sorted(
            (*row, sign)
            for row, sign in zip(batch.chiral_index.tolist(), batch.chiral_sign.tolist(), strict=True)
        )

    assert triples(repeated) == triples(expected)


def test_alike_are_the_hydrogens_of_one_atom_in_every_copy():
    mols = [molecule("CO"), molecule("C"), molecule("NC=O")]
    batch = collate([mol_to_graph(mol) for mol in mols])
    num_atoms = batch.mask.shape[1]
    pairs, triples, quartets = batch.equivalent_points(copies=2)
    expected = [[2, 3, 4], [2 + num_atoms, 3 + num_atoms, 4 + num_atoms]]
    assert triples.tolist() == expected
    assert quartets.tolist() == [
        [start + i for i in (1, 2, 3, 4)] for start in (2 * num_atoms, 3 * num_atoms)
    ]
    assert pairs.tolist() == [[start + i for i in (3, 4)] for start in (4 * num_atoms, 5 * num_atoms)]
    assert collate([mol_to_graph(molecule("FC#N"))]).equivalent_points() == []


def test_graphs_batch_in_torch_geometric_too():
    graphs = [mol_to_graph(molecule(smiles)) for smiles in ("C[C@H](O)C(N)=O", "C1[C@H](N)O1")]
    batch = Batch.from_data_list([graph.to_data() for graph in graphs])
    first = graphs[0].num_nodes
    assert batch.num_nodes == first + graphs[1].num_nodes
    assert batch.chiral_index.shape == (4, 8)
    assert torch.equal(batch.chiral_index[:, 4:], graphs[1].chiral_index + first)
    assert batch.edge_index.max() == batch.num_nodes - 1
    assert "pos" not in batch


def test_data_of_torch_geometric_has_every_bond_in_both_directions_and_the_coordinates():
    mol = molecule("C=CC#N")
    assert AllChem.EmbedMolecule(mol, randomSeed=1) == 0
    data = mol_to_graph(mol, conformer_id=-1).to_data()
    codes = {"SINGLE": 1, "DOUBLE": 2, "TRIPLE": 3}
    expected = set()
    for bond in mol.GetBonds():
        i, j, code = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), codes[bond.GetBondType().name]
        expected |= {(i, j, code), (j, i, code)}
    found = zip(*data.edge_index.tolist(), data.edge_codes.tolist(), strict=True)
    assert sorted(found) == sorted(expected)
    np.testing.assert_allclose(data.pos.numpy(), mol.GetConformer().GetPositions(), atol=1e-6)


@pytest.mark.parametrize(
    ("mol", "message"),
    [
        (Chem.AddHs(Chem.MolFromSmiles("C[SiH3]")), "is Si"),
        (Chem.MolFromSmiles("CC"), "implicit hydrogens"),
        (Chem.AddHs(Chem.MolFromSmiles("[C+3]C")), "charge \\+3"),
    ],
)
def test_what_is_not_known_is_refused_in_words(mol, message):
    with pytest.raises(ValueError, match=message):
        mol_to_graph(mol)


def test_nothing_to_collate_is_an_error():
    with pytest.raises(ValueError, match="no graph"):
        collate([])
