import numpy as np
import pytest

from molediff.evaluation.conformers.metrics.bond_lengths import bond_lengths, conformer_positions


def test_lengths_by_kind(place):
    coordinates = np.array([[0.0, 0, 0], [1.5, 0, 0], [1.5, 1.2, 0], [1.5, 0, 1.4]])
    lengths = bond_lengths(place("CC(=O)O", [coordinates, 2 * coordinates]))
    assert sorted(lengths) == ["C-C", "C-O", "C=O"]
    np.testing.assert_allclose(lengths["C-C"], [[1.5], [3.0]])
    np.testing.assert_allclose(lengths["C=O"], [[1.2], [2.4]])
    np.testing.assert_allclose(lengths["C-O"], [[1.4], [2.8]])


@pytest.mark.parametrize(
    ("smiles", "counts"),
    [
        ("c1ccccc1", {"C:C": 6, "C-H": 6}),
        ("N#CO", {"C#N": 1, "C-O": 1, "O-H": 1}),
        ("FN", {"N-F": 1, "N-H": 2}),
    ],
)
def test_kinds_and_their_number(embed, smiles, counts):
    assert {kind: array.shape[1] for kind, array in bond_lengths(embed(smiles)).items()} == counts


def test_without_conformers_there_are_no_values(embed):
    mol = embed("CO")
    mol.RemoveAllConformers()
    assert conformer_positions(mol).shape == (0, 6, 3)
    assert bond_lengths(mol)["C-O"].shape == (0, 1)
