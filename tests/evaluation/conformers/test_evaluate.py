from functools import partial

import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.evaluate import DATA_ROW, evaluate_methods

evaluate = partial(evaluate_methods, num_conformers=2, max_plausibility=1, progress=False)


def test_every_kind_of_method_gives_a_result_for_every_molecule(embed):
    references = [embed("CCO"), embed("CC=O")]
    computed = [embed("CCO", 2, seed=3), None]
    evaluation = evaluate(references, {"called": etkdg, "listed": computed, "lazy": iter(computed)})
    assert [method.name for method in evaluation.methods] == [DATA_ROW, "called", "listed", "lazy"]
    for method in evaluation.methods[2:]:
        assert [molecule.failed for molecule in method.molecules] == [False, True]
    seconds = [
        [molecule.seconds is not None for molecule in method.molecules] for method in evaluation.methods
    ]
    assert seconds == [[False] * 2, [True] * 2, [False] * 2, [True] * 2]


def test_methods_do_not_see_the_reference_coordinates(embed):
    seen = []

    def method(mol: Chem.Mol, num_conformers: int, seed: int) -> Chem.Mol | None:
        seen.append((mol.GetNumConformers(), num_conformers, seed))
        return None

    evaluate([embed("CCO")], {"spy": method}, seed=5)
    assert seen == [(0, 2, 5)]


def test_twice_the_number_of_references_is_the_published_protocol(embed):
    requested = []

    def method(mol: Chem.Mol, num_conformers: int, seed: int) -> None:
        requested.append(num_conformers)

    evaluate([embed("CCO", 3), embed("CCN", 1)], {"spy": method}, num_conformers=None)
    assert requested == [6, 2]


def test_data_row_is_perfect_against_itself(embed):
    references = [embed("CC(=O)NC"), embed("C1CCOC1")]
    summary = evaluate(references, {}).summaries[DATA_ROW]
    assert summary["mat_recall_mean"] == pytest.approx(0, abs=1e-4)
    assert summary["stereo"] == summary["connectivity"] == summary["clash_free"] == summary["plausible"] == 1
    assert summary["bond_lengths_distance"] == summary["bond_angles_distance"] == 0


def test_same_seed_same_figures(embed):
    references = [embed("CCCO")]
    figures = [
        evaluate(references, {"etkdg": etkdg}, seed=seed).methods[1].molecules[0]["rmsd"]
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(figures[0], figures[1])
    assert not np.array_equal(figures[0], figures[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"references": []}, "no reference"),
        ({"references": [Chem.MolFromSmiles("CC")]}, "molecule 0 has no conformer"),
        ({"seed": 0}, "at least 1"),
        ({"num_conformers": 0}, "at least 1"),
        ({"methods": {DATA_ROW: []}}, "another"),
        ({"methods": {"short": []}}, "0 results for 1"),
        ({"methods": {"short": iter([])}}, "ended after 0 of 1"),
    ],
)
def test_bad_input_is_named(embed, changes, message):
    arguments = {"references": [embed("CC")], "methods": {}, **changes}
    with pytest.raises(ValueError, match=message):
        evaluate(**arguments)
