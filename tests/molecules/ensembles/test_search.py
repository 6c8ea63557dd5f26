"""Minima: what is a duplicate, what lies in the window, what weighs how much, and what GFN2-xTB says of butane."""

import importlib.util
import itertools

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem
from scipy.spatial.transform import Rotation

from molediff.molecules.conformers import boltzmann_weights
from molediff.molecules.ensembles.minima import DUPLICATE_ENERGY, Minimum, distinct_minima, is_known, within
from molediff.molecules.ensembles.recipe import Recipe
from molediff.molecules.ensembles.search import EnsembleError, build_ensemble, equals_its_mirror_image

needs_tblite = pytest.mark.skipif(
    importlib.util.find_spec("tblite") is None, reason="needs tblite: pip install 'molediff[xtb]'"
)


needs_aimnet2 = pytest.mark.skipif(
    importlib.util.find_spec("Auto3D") is None, reason="needs AIMNet2: pip install 'molediff[aimnet2]'"
)


def molecule(smiles: str) -> Chem.Mol:
    """In the order of its canonical SMILES."""
    return Chem.AddHs(Chem.MolFromSmiles(Chem.CanonSmiles(smiles)))


def minimum(mol: Chem.Mol, energy: float) -> Minimum:
    return Minimum(mol.GetConformer().GetPositions(), energy, "test")


def test_a_turned_copy_with_exchanged_equal_atoms_is_known():
    mol = embedded("CC(=O)C")
    first = minimum(mol, 0.0)
    other = first.positions[[3, 1, 2, 0, *range(4, mol.GetNumAtoms())]] @ Rotation.random(rng=1).as_matrix().T
    assert is_known(mol, Minimum(other, 0.5 * DUPLICATE_ENERGY, ""), [first])
    assert not is_known(mol, Minimum(other, 2 * DUPLICATE_ENERGY, ""), [first])
    moved = first.positions.copy()
    moved[0] += 0.5
    assert not is_known(mol, Minimum(moved, 0.0, ""), [first])


def test_of_duplicates_the_lowest_stays_and_order_is_by_energy():
    mol = embedded("CCCO")
    x = mol.GetConformer().GetPositions()
    stretched = x.copy()
    stretched[0] += 1.0
    planted = [
        Minimum(x, 1.03, "b"),
        Minimum(stretched, 3.0, "d"),
        Minimum(x, 1.0, "a"),
        Minimum(x, 2.0, "c"),
    ]
    assert [entry.source for entry in distinct_minima(mol, planted)] == ["a", "c", "d"]


def test_the_window_is_counted_from_the_lowest():
    minima = [Minimum(np.zeros((1, 3)), energy, "") for energy in (-10.0, -7.6, -7.4, -3.9)]
    assert [entry.energy for entry in within(minima, 2.5)] == [-10.0, -7.6]
    assert len(within(minima, 6.0)) == 3


def test_boltzmann_weights():
    weights = boltzmann_weights(np.array([0.0, 0.5924838]), 298.15)  # the second lies kT higher
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] / weights[1] == pytest.approx(np.e, rel=1e-5)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [("CCCC", True), ("C[C@H](O)F", False), ("C[C@H](O)[C@@H](C)O", True), ("C[C@H](O)[C@H](C)O", False)],
)
def test_mirror_images(smiles, expected):
    assert equals_its_mirror_image(molecule(smiles)) == expected


def build(energies, recipe: Recipe):
    """An ensemble of engines that play a part: every start is new to the force field, and the minimizer finds the
    minima of `energies`, one after the other, all of one geometry.
    """
    mol = molecule("C[C@H](O)F")  # no mirror image is added
    geometry = embedded(Chem.MolToSmiles(Chem.RemoveHs(mol))).GetConformer().GetPositions()
    numbers, found = itertools.count(), iter(energies)

    def minimizer(mol: Chem.Mol, max_gradient: float) -> np.ndarray:
        for conformer in mol.GetConformers():
            conformer.SetPositions(geometry)
        return np.array([next(found) for _ in range(mol.GetNumConformers())])

    return build_ensemble(mol, recipe, lambda mol, num_steps: 0.1 * next(numbers), minimizer)


def test_what_half_the_starts_found_is_counted_from_the_lowest_of_all():
    found = build((2.0, 4.0, 0.0, 2.0), Recipe(num_seeds=4, max_seeds=4, num_direct=0))
    assert (found.num_low, found.num_low_by_half) == (2, 1)


def test_starts_go_to_the_minimizer_directly_while_that_finds_more():
    """What the force field finds is one minimum; direct starts find a second, in the second batch nothing."""
    recipe = Recipe(num_seeds=2, max_seeds=2, num_direct=4, max_direct=20)
    found = build((1.0, 1.0, 0.0, *[1.0] * 7), recipe)
    assert (found.num_low, found.num_low_by_half, found.num_low_direct) == (1, 1, 1)
    assert found.num_relaxed == found.num_seeds == 10
    assert [source.endswith(", direct") for source in found.sources] == [True, False]


@pytest.mark.parametrize(
    ("growth", "num_starts"), [((2, 2), 4), ((2, 4, 4), 8), ((1, 2, 4, 8, 12), 24), ((1, 3, 3), 8)]
)
def test_starts_are_doubled_while_that_finds_more(growth, num_starts):
    """`growth`: how many minima are known after each batch."""
    energies, known = [], 0
    for size, count in zip((2, 2, 4, 8, 8), growth, strict=False):
        new = [0.1 * number for number in range(known, count)]
        energies += new + [0.0] * (size - len(new))
        known = count
    assert build(energies, Recipe(num_seeds=4, max_seeds=24, num_direct=0)).num_seeds == num_starts


def test_a_molecule_without_a_minimum_says_why():
    def minimizer(mol, max_gradient):
        return np.full(mol.GetNumConformers(), np.nan)

    with pytest.raises(EnsembleError, match=r"no minimum from 4 starts \(\d without a minimum\)"):
        build_ensemble(molecule("CCO"), Recipe(num_seeds=4, num_direct=0), minimizer=minimizer)


def test_all_that_is_new_to_the_force_field_goes_to_the_minimizer_at_once():
    mol = molecule("C[C@H](O)F")
    sizes = []

    def minimizer(mol: Chem.Mol, max_gradient: float) -> np.ndarray:
        sizes.append(mol.GetNumConformers())
        return np.zeros(mol.GetNumConformers())

    energies = itertools.count()
    build_ensemble(
        mol, Recipe(num_seeds=8, max_seeds=8, num_direct=0), lambda *_: 0.1 * next(energies), minimizer
    )
    assert sizes == [4, 4]


def test_a_method_that_does_not_describe_the_molecule_gives_no_ensemble_and_says_why():
    recipe = Recipe(num_seeds=2, max_seeds=2, num_direct=0, method="aimnet2")
    with pytest.raises(EnsembleError, match="AIMNet2 does not know Ge"):
        build_ensemble(molecule("C[Ge](C)(C)C"), recipe)


def test_a_recipe_is_checked():
    with pytest.raises(
        ValueError, match="method of an ensemble must be one of 'gfn2', 'aimnet2'; got 'mmff'"
    ):
        Recipe(method="mmff")
    with pytest.raises(ValueError, match="window of an ensemble must be above 0"):
        Recipe(window=0.0)
    with pytest.raises(ValueError, match="at least 2 seeds"):
        Recipe(num_seeds=1)
    with pytest.raises(ValueError, match="max_seeds is at least num_seeds"):
        Recipe(num_seeds=100, max_seeds=50)
    with pytest.raises(ValueError, match="num_direct is at most max_direct; got 12 and 8"):
        Recipe(num_direct=12, max_direct=8)
    with pytest.raises(ValueError, match=r"num_direct of an ensemble must be a whole number .*got 2\.5"):
        Recipe(num_direct=2.5)
    with pytest.raises(ValueError, match="window of an ensemble must be above 0; got 'wide'"):
        Recipe(window="wide")


@needs_tblite
def test_butane_has_one_anti_and_two_gauche_minima():
    """The gauche forms are mirror images, 0.6 to 0.9 kcal/mol above the anti form (0.67 by Murcko 1996)."""
    found = build_ensemble(molecule("CCCC"), Recipe(num_seeds=12))
    assert found.energies.shape == (3,)
    assert found.energies[0] == 0
    assert found.energies[1] == pytest.approx(found.energies[2], abs=0.02)
    assert 0.5 < found.energies[1] < 0.9
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.num_low == 3
    assert found.mol.GetNumConformers() == 3


@needs_aimnet2
def test_butane_by_aimnet2():
    """Its gauche forms lie lower than in truth (0.67), by some 0.3 kcal/mol."""
    found = build_ensemble(molecule("CCCC"), Recipe(num_seeds=8, max_seeds=8, num_direct=0, method="aimnet2"))
    assert found.energies.shape == (3,)
    assert found.energies[1] == pytest.approx(found.energies[2], abs=0.02)
    assert 0.2 < found.energies[1] < 0.9


@needs_tblite
def test_the_hand_is_that_asked_for_and_no_mirror_image_is_added():
    found = build_ensemble(molecule("C[C@H](O)C#N"), Recipe(num_seeds=6))
    assert found.smiles == Chem.CanonSmiles("C[C@H](O)C#N")
    for conformer in found.mol.GetConformers():
        seen = Chem.Mol(found.mol, confId=conformer.GetId())
        Chem.AssignStereochemistryFrom3D(seen, replaceExistingTags=True)
        assert Chem.MolToSmiles(Chem.RemoveHs(seen)) == found.smiles
