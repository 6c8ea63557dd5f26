"""Farthest points, and the distances between conformers that they are chosen by."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolAlign

import molediff.molecules
from molediff.molecules.conformers import with_conformers
from molediff.molecules.spread import (
    ConformerDistances,
    crowding,
    farthest_points,
    largest_overlap,
    representatives,
    select_coverage,
    select_spread,
    spread_order,
    symmetric_mappings,
)


def embedded(smiles: str, num: int) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=3)
    return mol


def rdkit_matrix(mol: Chem.Mol) -> np.ndarray:
    heavy, num = Chem.RemoveHs(mol), mol.GetNumConformers()
    below = rdMolAlign.GetAllConformerBestRMS(heavy, maxMatches=10_000)
    matrix = np.zeros((num, num))
    matrix[np.tril_indices(num, -1)] = below
    return matrix + matrix.T


def on_a_line(*places: float):
    points = np.array(places)
    return lambda i: abs(points - points[i])


# Farthest points --------------------------------------------------------------------------------------------------


def test_farthest_points_of_a_line_are_its_ends_then_the_middle_then_the_quarters():
    order = farthest_points(on_a_line(0, 1, 2, 3, 4), 5, 5)
    assert order.tolist() == [0, 4, 2, 1, 3]


def test_farthest_points_begin_where_they_are_told_to():
    assert farthest_points(on_a_line(0, 1, 2, 3, 10), 5, 3, start=3).tolist() == [3, 4, 0]


def test_equal_points_are_each_taken_once():
    assert sorted(farthest_points(on_a_line(1, 1, 1), 3, 3).tolist()) == [0, 1, 2]


def test_no_more_points_are_chosen_than_there_are_or_than_time_allows():
    assert len(farthest_points(on_a_line(0, 1), 2, 5)) == 2
    assert farthest_points(on_a_line(0, 1, 2), 3, 3, out_of_time=lambda: True).tolist() == [0]


# Distances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smiles", "num_mappings"),
    [
        ("CCCCO", 1),
        ("CC(C)(C)c1ccc(cc1)C(=O)O", 24),  # 3! methyls, a flip of the ring, two oxygens of the acid
        ("O=C([O-])c1ccc(cc1)[N+](=O)[O-]", 8),
        ("COP(=O)(O)O", 6),
        ("C#CC#C", 2),  # linear: the quartic has a double root
        ("C[C@H](O)C(N)=O", 1),
    ],
)
def test_distances_are_those_of_rdkit(smiles, num_mappings):
    mol = embedded(smiles, 8)
    distances = ConformerDistances(mol)
    assert len(distances.mappings) == num_mappings
    np.testing.assert_allclose(distances.matrix(), rdkit_matrix(mol), atol=1e-4)


@pytest.mark.parametrize("smiles", ["CC(C)(C)c1ccc(cc1)C(=O)O", "C[C@H](O)C(N)=O", "OCCCCN1CCOCC1"])
def test_single_precision_tells_conformers_apart_as_well(smiles):
    mol = embedded(smiles, 8)
    exact, single = (ConformerDistances(mol, dtype=dtype).matrix() for dtype in (np.float64, np.float32))
    np.testing.assert_allclose(single, exact, atol=0.01)


def test_a_mirror_image_is_not_a_match():
    mol = embedded("C[C@H](O)C(N)=O", 1)
    x = mol.GetConformer().GetPositions()
    both = ConformerDistances(with_conformers(mol, [x, x * [1, 1, -1]])).matrix()
    assert both[0, 1] > 0.1


def test_largest_overlap_of_a_diagonal_matrix_is_its_trace_or_loses_twice_the_smallest_if_it_reflects():
    products = np.stack([np.diag([3.0, 2.0, 1.0]), np.diag([3.0, 2.0, -1.0])])
    np.testing.assert_allclose(largest_overlap(products, np.array([9.0, 9.0])), [6.0, 4.0], rtol=1e-9)


def test_single_atoms_are_not_apart_and_nothing_is_divided_by_zero():
    mol = with_conformers(Chem.AddHs(Chem.MolFromSmiles("O")), [np.eye(3), 2 * np.eye(3)])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(ConformerDistances(mol, 1, np.float32).matrix(), np.zeros((2, 2)))


def test_overlaps_of_flat_and_straight_points_are_found_in_single_precision_too():
    """Roots fall together there, and rounding decides where a step goes."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 20_000, 12, 3)) * 3
    x[:10_000, :, 2], y[:10_000, :, 2] = 1e-3 * x[:10_000, :, 2], 1e-3 * y[:10_000, :, 2]
    x[:5_000, :, 1], y[:5_000, :, 1] = 1e-3 * x[:5_000, :, 1], 1e-3 * y[:5_000, :, 1]
    y[::2] = x[::2]
    products, bound = np.swapaxes(x, 1, 2) @ y, ((x**2).sum((1, 2)) + (y**2).sum((1, 2))) / 2
    with np.errstate(over="raise", invalid="raise"):
        found = largest_overlap(products.astype(np.float32), bound.astype(np.float32))
    left, singular, right = np.linalg.svd(products)
    signs = np.sign(np.linalg.det(left) * np.linalg.det(right))
    expected = singular[:, 0] + singular[:, 1] + signs * singular[:, 2]
    assert (np.abs(found - expected) / bound).max() < 2e-2


def test_mappings_are_bounded_and_keep_the_identity():
    mol = Chem.MolFromSmiles("CC(C)(C)CC(C)(C)C")
    mappings = symmetric_mappings(mol, 10)
    assert mappings.shape == (10, mol.GetNumAtoms())
    assert mappings[0].tolist() == list(range(mol.GetNumAtoms()))
    assert len(symmetric_mappings(mol, 1000)) == 72


# Selection --------------------------------------------------------------------------------------------------------


def test_selection_is_wider_than_the_first_conformers():
    mol = embedded("OCCCCCCN", 40)
    matrix = rdkit_matrix(mol)
    np.fill_diagonal(matrix, np.inf)
    chosen = spread_order(mol, 6)
    assert matrix[np.ix_(chosen, chosen)].min() > matrix[:6, :6].min()
    np.fill_diagonal(matrix, 0)
    farthest_from_all = [matrix[:, places].min(axis=1).max() for places in (chosen, range(6))]
    assert farthest_from_all[0] < farthest_from_all[1]
    spread = molediff.molecules.select_spread(mol, 6)
    expected = [mol.GetConformer(int(i)).GetPositions() for i in chosen]
    np.testing.assert_array_equal([c.GetPositions() for c in spread.GetConformers()], expected)


def test_fewer_chosen_are_the_first_of_more():
    mol = embedded("OCCCCN", 12)
    assert spread_order(mol, 3).tolist() == spread_order(mol, 8)[:3].tolist()


def test_selection_begins_at_the_lowest_energy_that_is_known():
    mol = embedded("OCCCN", 5)
    assert spread_order(mol, 2, np.array([2.0, np.nan, -1.0, 0.0, 3.0]))[0] == 2
    assert spread_order(mol, 2, np.full(5, np.nan))[0] == 0


def test_few_or_no_conformers_are_all_taken():
    assert select_spread(embedded("CCO", 2), 5).GetNumConformers() == 2
    assert select_spread(Chem.MolFromSmiles("CCO"), 5).GetNumConformers() == 0
    with pytest.raises(ValueError, match="at least 1"):
        select_spread(embedded("CCO", 2), 0)


@pytest.mark.parametrize("num", [0, 1.5, "3", True, None])
def test_what_is_no_number_of_conformers_is_refused(num):
    with pytest.raises(ValueError, match="num must be a whole number"):
        select_spread(embedded("CCO", 3), num)


# Representatives -----------------------------------------------------------------------------------------------------


def matrix_of(*places: float) -> np.ndarray:
    points = np.array(places)
    return abs(points[:, None] - points)


def test_representatives_stand_for_where_most_points_are():
    # Two dense groups and a lonely point: with two choices the groups, and only then the lonely one.
    distances = matrix_of(0, 0.1, 0.2, 0.3, 5, 5.1, 5.2, 7)
    assert set(representatives(distances, 2).tolist()) <= set(range(7))
    assert representatives(distances, 3).tolist()[2] == 7


def test_the_first_representative_is_the_medoid_of_squares_and_choices_go_on():
    points = np.random.default_rng(0).normal(size=(30, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    chosen = representatives(distances, 5)
    assert chosen[0] == (distances**2).sum(1).argmin()
    assert representatives(distances, 3).tolist() == chosen[:3].tolist()
    assert len(set(representatives(distances, 40).tolist())) == 30


def test_points_in_a_crowd_count_together_as_one_that_stands_alone():
    x = np.array([0.0, 0.0, 0.0, 9.0])
    found = crowding(np.abs(x[:, None] - x), 0.5)
    np.testing.assert_allclose(found, [3, 3, 3, 1])
    assert (1 / found).sum() == pytest.approx(2)


def test_coverage_comes_nearer_to_new_conformers_than_farthest_points():
    pool, new = embedded("CCOC(=O)CCN", 120), embedded_by("CCOC(=O)CCN", 40, 11)
    by = {}
    for select in (select_spread, select_coverage):
        chosen = select(pool, 12)
        both = with_conformers(pool, [c.GetPositions() for mol in (chosen, new) for c in mol.GetConformers()])
        by[select] = ConformerDistances(both).matrix()[12:, :12].min(1).mean()
    assert by[select_coverage] < by[select_spread]


def embedded_by(smiles: str, num: int, seed: int) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=seed)
    return mol


def test_coverage_of_no_conformers_is_none_and_a_bad_number_is_said():
    assert select_coverage(Chem.MolFromSmiles("CC"), 3).GetNumConformers() == 0
    with pytest.raises(ValueError, match="num"):
        select_coverage(embedded("CCO", 2), 0)
