"""How energies are judged."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from molediff.evaluation.conformers.benchmark import energies as benchmark
from molediff.evaluation.conformers.benchmark.energies import errors
from molediff.molecules.errors import ForceFieldError
from tests.fake_generators import embedded, telling

ENERGIES = arrays(float, 6, elements=st.floats(-9, 9), unique=True)


@given(ENERGIES, st.floats(-100, 100))
def test_energies_that_are_right_but_for_their_zero_have_no_error(truth: np.ndarray, zero: float):
    found = errors(truth + zero, truth)
    assert found["mean absolute error"] == pytest.approx(0.0, abs=1e-9)
    assert found["root mean square error"] == pytest.approx(0.0, abs=1e-9)
    assert found["lowest is above the lowest by"] == pytest.approx(0.0, abs=1e-9)


@given(ENERGIES, ENERGIES)
def test_the_rank_correlation_is_spearmans(energies: np.ndarray, truth: np.ndarray):
    assert errors(energies, truth)["rank correlation"] == pytest.approx(
        spearmanr(energies, truth)[0], abs=1e-6
    )


def test_a_wrong_choice_costs_what_it_lies_above_the_lowest():
    found = errors(np.array([0.0, 1.0, 2.0, np.nan]), np.array([10.0, 7.0, 9.0, 1.0]))
    assert found["lowest is above the lowest by"] == pytest.approx(3.0)
    assert found["mean absolute error"] == pytest.approx(np.abs([-1 - 4 / 3, 5 / 3, 1 - 1 / 3]).mean())


def test_a_molecule_that_the_judge_does_not_know_or_that_has_too_few_energies_ends_no_run(monkeypatch):
    def compared(num_conformers: int) -> set[str]:
        others, judge, seed = ["mmff"], "mmff", 1
        return set(benchmark._compared(telling("CCO"), embedded("CCO"), num_conformers, others, judge, seed))

    assert compared(3) == {"learned", "MMFF94s", "mean of learned and MMFF94s"}
    assert compared(2) == set()

    def unknown(mol, method):
        raise ForceFieldError("AIMNet2 does not know Xe")

    monkeypatch.setattr(benchmark, "conformer_energies", unknown)
    assert compared(3) == set()


@pytest.mark.parametrize("wrong", [{"judge": "foo"}, {"others": ["learned"]}])
def test_a_method_that_there_is_not_is_refused_before_anything_is_drawn(wrong):
    asked = {"num_molecules": 1, "num_conformers": 4, "others": [], "judge": "mmff", "seed": 1}
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be one of 'mmff', 'gfn2', 'aimnet2'"):
        benchmark.measure("drugs", "none.sdf", **{**asked, **wrong})


def test_too_few_conformers_to_put_in_order_are_refused():
    with pytest.raises(ValueError, match="num_conformers must be a whole number of at least 3; got 2"):
        benchmark.measure("drugs", "none.sdf", 1, 2, [], "mmff", 1)


def test_weights_that_tell_no_energies_are_refused_by_name():
    with pytest.raises(ValueError, match="The weights qm9 tell no energies"):
        benchmark.measure("qm9", "none.sdf", 1, 4, [], "mmff", 1)
