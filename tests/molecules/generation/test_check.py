"""Checks of the user's own stand beside those of the package."""

import numpy as np
import pytest
from fake_generators import knowing

from molediff.molecules.generation.check import sieve

BUTANE = "CCCC"


class Rule:
    """Passes what `passed` says; remembers what it was shown."""

    remedy = ""

    def __init__(self, name, passed):
        self.name, self.passed, self.shown = name, passed, []

    def passes(self, x):
        self.shown.append(x[:, 0, 0].tolist())
        return np.array([value in self.passed for value in x[:, 0, 0]], dtype=bool)


class Never:
    name, remedy = "never", "ask for something that exists"

    def __init__(self, mol):
        self.num_atoms = mol.GetNumAtoms()

    def passes(self, x):
        assert np.isfinite(x).all()
        assert x.shape[1:] == (self.num_atoms, 3)
        return np.zeros(len(x), dtype=bool)


class FirstCallOnly(Never):
    name = "first_call_only"
    calls = 0

    def passes(self, x):
        FirstCallOnly.calls += 1
        return np.full(len(x), FirstCallOnly.calls == 1)


def test_a_sample_counts_under_the_first_check_it_fails_and_later_ones_do_not_see_it():
    x = np.arange(4.0)[:, None, None] * np.ones((4, 2, 3))
    first, second = Rule("first", {0, 1, 3}), Rule("second", {0, 2, 3})
    good, failed = sieve([first, second], x)
    assert good.tolist() == [True, False, False, True]
    assert failed == {"first": 1, "second": 1}
    assert second.shown == [[0.0, 1.0, 3.0]]


@pytest.mark.parametrize("answer", [True, np.ones(3), np.ones(2, dtype=bool)])
def test_a_check_that_does_not_answer_for_each_conformer_is_named(answer):
    rule = Rule("odd", ())
    rule.passes = lambda x: answer
    with pytest.raises(ValueError, match="check 'odd' must give 3 booleans"):
        sieve([rule], np.zeros((3, 1, 3)))


def test_what_a_check_of_ones_own_rejects_is_counted_under_its_name_with_its_remedy():
    result = knowing(BUTANE).generate(BUTANE, 2, max_attempts=3, checks=[Never])
    assert result.status == "failed"
    assert result.num_rejected == {"never": 6}
    assert "ask for something that exists, or try more num_steps or max_attempts" in result.reason


def test_relaxed_conformers_are_put_to_the_same_checks():
    FirstCallOnly.calls = 0
    result = knowing(BUTANE).generate(BUTANE, 2, relax="mmff", checks=[FirstCallOnly])
    assert FirstCallOnly.calls == 2
    assert result.num_rejected == {"relaxation": 2}


def test_what_makes_no_check_is_told_and_what_it_lacks():
    with pytest.raises(
        ValueError, match=r"made 1, which has no name and no remedy and no passes: a check has"
    ):
        knowing(BUTANE).generate(BUTANE, checks=[lambda mol: 1])


def test_checks_that_are_none_are_refused():
    with pytest.raises(ValueError, match="checks must be"):
        knowing(BUTANE).generate(BUTANE, checks=["clash"])


def test_no_check_is_shown_nothing():
    first, second = Rule("first", ()), Rule("second", {0.0})
    good, failed = sieve([first, second], np.zeros((3, 1, 3)) + 7)
    assert not good.any()
    assert failed == {"first": 3}
    assert second.shown == []
    sieve([second], np.zeros((0, 1, 3)))
    assert second.shown == []
