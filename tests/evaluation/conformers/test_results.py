import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.evaluate import measure
from molediff.evaluation.conformers.results import Limits


def test_the_graph_asked_for_decides_not_the_one_that_came_back(embed):
    """The wrong hand is wrong even if the returned Mol says that it is the right one."""
    asked, returned = embed("C[C@H](O)F"), embed("C[C@@H](O)F")
    result = measure(asked, returned, num_requested=1)
    assert result["stereo"].tolist() == [False]
    assert result["rmsd"].shape == (1, 1)


@pytest.mark.parametrize("sample", [None, Chem.AddHs(Chem.MolFromSmiles("CCO"))])
def test_failure_has_no_conformers_but_is_there(embed, sample):
    result = measure(embed("CCO"), sample, num_requested=4)
    assert result.failed
    assert result.num_requested == 4
    assert result["rmsd"].shape == (1, 0)
    assert result.best == np.inf
    assert result["strain"].shape == result["stereo"].shape == result["clash_free"].shape == (0,)


def test_conformers_that_are_not_numbers_were_not_returned(embed):
    mol = embed("CCO", num_conformers=2)
    mol.GetConformer(1).SetPositions(np.full((9, 3), np.nan))
    assert measure(mol, mol, num_requested=2).num_returned == 1


def test_cap_on_plausibility(embed):
    mol = embed("CCO", num_conformers=3)
    two, none = Limits(num_plausibility=2), Limits(num_plausibility=0)
    assert len(measure(mol, mol, 3, limits=two)["plausibility"]) == 2
    assert measure(mol, mol, 3, limits=none)["plausibility"] == []
    assert measure(mol, None, 3, limits=two).num_plausibility_requested == 2


def test_former_fields_still_answer_and_say_what_to_use(embed):
    result = measure(embed("CCO"), embed("CCO"), 1, limits=Limits(num_plausibility=0))
    with pytest.warns(DeprecationWarning, match=r"result\['rmsd'\]"):
        former = result.rmsd
    assert former is result["rmsd"]
    assert not hasattr(result, "rsmd")


def test_another_molecule_is_refused(embed):
    with pytest.raises(ValueError, match="in its order"):
        measure(embed("CCO"), embed("CCN"), 1)
