"""The look-up, entry by entry, against what EDM published, and what it does not see."""

import itertools

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.whole.metrics.lookup import bond_orders, lookup_smiles, of_mol, stability

# In pm, as EDM's evaluation lists them: single bonds of each pair of elements, then double and triple ones.
SINGLE = {
    "HH": 74, "HC": 109, "HN": 101, "HO": 96, "HF": 92, "CC": 154, "CN": 147, "CO": 143, "CF": 135, "NN": 145,
    "NO": 140, "NF": 136, "OO": 148, "OF": 142, "FF": 142,
}  # fmt: skip
DOUBLE = {"CC": 134, "CN": 129, "CO": 120, "NN": 125, "NO": 121, "OO": 121}
TRIPLE = {"CC": 120, "CN": 116, "CO": 113, "NN": 110}
NUMBERS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}


def order(pair, pm):
    elements = np.array([NUMBERS[symbol] for symbol in pair])
    orders = bond_orders(elements, np.array([[0, 0, 0], [0, 0, pm / 100]]))
    assert orders[0, 1] == orders[1, 0]
    assert orders[0, 0] == 0
    return int(orders[0, 1])


def test_every_pair_of_elements_is_in_the_table():
    assert {frozenset(pair) for pair in SINGLE} == {
        frozenset(pair) for pair in itertools.combinations_with_replacement("HCNOF", 2)
    }


@pytest.mark.parametrize(("table", "margin", "expected"), [(SINGLE, 10, 1), (DOUBLE, 5, 2), (TRIPLE, 3, 3)])
def test_bonds_end_at_their_length_and_margin(table, margin, expected):
    for pair, length in table.items():
        for both in (pair, pair[::-1]):
            assert order(both, length + margin - 0.01) == expected, both
            assert order(both, length + margin + 0.01) == expected - 1, both


@pytest.mark.parametrize("pair", sorted(set(SINGLE) - set(DOUBLE)))
def test_pairs_without_multiple_bonds_have_none_however_near(pair):
    assert order(pair, 50) == 1


@pytest.mark.parametrize("pair", sorted(set(DOUBLE) - set(TRIPLE)))
def test_pairs_without_triple_bonds_have_double_ones_however_near(pair):
    assert order(pair, 80) == 2


def embedded(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    return of_mol(mol)


def test_methane_is_stable_and_methyl_is_not():
    elements, positions = embedded("C")
    assert stability(elements, positions) == (5, 5, True)
    found = stability(elements[:-1], positions[:-1])
    assert found == (3, 4, False)


def test_two_fragments_are_stable_though_they_are_no_one_molecule():
    elements, positions = embedded("C")
    both = np.concatenate([positions, positions + 8])
    assert stability(np.tile(elements, 2), both).stable
    assert lookup_smiles(np.tile(elements, 2), both) == "[H]C([H])([H])[H]"


def test_ammonium_is_real_and_neither_stable_nor_valid():
    elements = np.array([7, 1, 1, 1, 1])
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.02 / np.sqrt(3)
    assert stability(elements, corners) == (4, 5, False)
    assert lookup_smiles(elements, corners) is None


def benzene(length):
    turns = np.arange(6) * np.pi / 3
    ring = np.stack([np.cos(turns), np.sin(turns), 0 * turns], -1)
    return np.repeat([6, 1], 6), np.concatenate([length * ring, (length + 1.09) * ring])


@pytest.mark.parametrize(("length", "stable"), [(1.396, False), (1.385, False)])
def test_a_perfect_aromatic_ring_is_all_single_or_all_double_bonds_and_not_stable(length, stable):
    elements, positions = benzene(length)
    orders = bond_orders(elements, positions)[:6, :6]
    assert set(orders[orders > 0].tolist()) == ({1} if length > 1.39 else {2})
    assert stability(elements, positions).stable is stable


def test_smiles_are_those_of_the_bonds_by_distance():
    elements, positions = embedded("CCO")
    found = Chem.MolFromSmiles(lookup_smiles(elements, positions))
    assert Chem.MolToSmiles(Chem.RemoveHs(found)) == "CCO"


def test_an_element_that_the_table_lacks_is_named():
    with pytest.raises(ValueError, match="16"):
        bond_orders(np.array([6, 16]), np.zeros((2, 3)))
