"""Former names of what was renamed."""

import pytest

import molediff
from molediff.molecules.energies import relax, xtb
from molediff.molecules.ensembles import search, starts
from molediff.molecules.graph import inputs


@pytest.mark.parametrize(
    ("module", "former", "now"),
    [
        (inputs, "UnusableInput", "UnusableInputError"),
        (relax, "NoForceField", "ForceFieldError"),
        (search, "NoEnsemble", "EnsembleError"),
        (starts, "make_seeds", "make_starts"),
        (xtb, "XTBFailed", "XTBError"),
    ],
)
def test_a_former_name_still_works_and_says_the_new_one(module, former, now):
    with pytest.warns(DeprecationWarning, match=f"is now called {now}"):
        assert getattr(module, former) is getattr(module, now)


def test_a_name_that_never_was_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = inputs.nothing


def test_one_base_catches_whatever_is_wrong_with_a_molecule():
    for error in (
        inputs.UnusableInputError,
        relax.ForceFieldError,
        search.EnsembleError,
        search.PerceptionError,
        xtb.XTBError,
    ):
        assert issubclass(error, molediff.MoleculeError)
        assert issubclass(error, ValueError)
