"""Energy as the last check: what no single bond or angle tells."""

import numpy as np
import pytest
from fake_generators import embedded, knowing
from places import DATA
from rdkit import Chem

from molediff.evaluation.conformers.references import read_references
from molediff.molecules import Strain
from molediff.molecules.generation.checks import standard_checks
from molediff.molecules.generation.strain import QuickStrain


def positions(mol):
    return np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


@pytest.mark.parametrize("file", ["ensembles_val", "known_molecules", "small_molecules"])
def test_minima_of_quantum_chemistry_pass(file):
    """Also where the force field has other bond lengths, as of isocyanates, and in cages."""
    mols = read_references(DATA / f"{file}.sdf.gz")
    wrong = [
        Chem.MolToSmiles(mol) for mol in mols[:200] if not QuickStrain(mol).passes(positions(mol)[:3]).all()
    ]
    assert wrong == []


def test_many_small_errors_add_up():
    """Each bond of diamantane 5 % too short: 60 kcal/mol in all; 2 % are as much as the methods differ."""
    mol = embedded("C1C2CC3C4CC5CC(C14)C(C2)C3C5")
    x = positions(mol)
    check = standard_checks(mol)[-1]
    assert check.name == "strain"
    assert check.passes(np.concatenate([x, 0.98 * x, 0.95 * x])).tolist() == [True, True, False]


def test_of_many_each_is_judged_as_by_itself():
    mol = embedded("C1C2CC3C4CC5CC(C14)C(C2)C3C5")
    check, x = QuickStrain(mol), positions(mol)
    shaken = (
        x + np.random.default_rng(1).normal(size=(40, *x.shape[1:])) * np.linspace(0, 0.3, 40)[:, None, None]
    )
    squeezed = x * np.linspace(0.9, 1.1, 40)[:, None, None]
    points = np.concatenate([shaken, squeezed])
    verdicts = check.passes(points)
    assert 10 < verdicts.sum() < 70
    assert verdicts.tolist() == [bool(check.passes(one[None])[0]) for one in points]


def test_positions_are_judged_one_by_one_and_not_moved():
    mol = embedded("CCCCO")
    x = positions(mol)
    squeezed = x.copy()
    squeezed[0, 0] += 0.55 * (x[0, 1] - x[0, 0])
    both = np.concatenate([x, squeezed, x])
    before = both.copy()
    check = QuickStrain(mol)
    assert check.passes(both).tolist() == [True, False, True]
    np.testing.assert_array_equal(both, before)
    assert check.passes(both[1:2]).tolist() == [False]


def test_what_the_force_field_does_not_describe_passes():
    mol = embedded("O=C=O")
    assert QuickStrain(mol).passes(positions(mol) * 3).all()


def test_strain_down_to_the_minimum_can_be_asked_for():
    result = knowing("CCO").generate("CCO", 3, checks=[Strain("mmff", 1.0)])
    assert result.status == "ok"
    spoiled = knowing("CCO", spoil=lambda x_0, x_t: x_0 * 1.02)
    result = spoiled.generate("CCO", 3, checks=[Strain("mmff", 1.0)], max_attempts=1)
    assert result.num_rejected == {"strain": 3}


def test_gfn2_measures_the_strain_of_a_check_too():
    pytest.importorskip("tblite")
    mol = embedded("CO")
    x = positions(mol)
    assert Strain("gfn2", 3.0)(mol).passes(np.concatenate([x, x * 1.1])).tolist() == [True, False]


@pytest.mark.parametrize(("method", "limit"), [("uff", 5), ("gfn2", 0), ("gfn2", "a"), (None, 5)])
def test_a_strain_that_cannot_be_asked_for_is_refused(method, limit):
    with pytest.raises(ValueError, match=r"method|limit"):
        Strain(method, limit)
