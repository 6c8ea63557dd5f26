"""What RDKit raises on what nobody foresaw ends one molecule, and no batch."""

import numpy as np
import pytest
from fake_generators import knowing
from rdkit import Chem

from molediff.molecules.errors import is_of_rdkit
from molediff.molecules.generation import job, pipeline

SMILES = ("CCO", "CC=O", "CCN")


def raising(error: Exception, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the work on CC=O end with an error in one of its stages."""
    stage = getattr(job.Job, place)

    def work(self, *arguments):
        if self.prepared.smiles == "CC=O":
            raise error
        return stage(self, *arguments)

    monkeypatch.setattr(job.Job, place, work)


@pytest.mark.parametrize("place", ["begin", "examine", "finish"])
@pytest.mark.parametrize(
    "error",
    [Chem.KekulizeException("Can't kekulize mol."), RuntimeError("Pre-condition Violation\n\tbad index")],
    ids=["its own", "of a condition"],
)
def test_one_molecule_fails_with_the_reason(error: Exception, place: str, monkeypatch: pytest.MonkeyPatch):
    generator = knowing(*SMILES)
    if place == "begin":

        def looked_up(self, mol):
            if mol.GetNumAtoms() == 7:
                raise error

        monkeypatch.setattr(pipeline.Pipeline, "_minima_of", looked_up)
    else:
        raising(error, place, monkeypatch)
    results = list(generator.generate_many(SMILES, 2))
    assert [result.status for result in results] == ["ok", "failed", "ok"]
    assert results[1].reason.startswith(f"RDKit failed with this molecule ({type(error).__name__}: ")
    assert results[1].smiles == "CC=O"


def test_starts_that_raise_leave_the_others_alone(monkeypatch: pytest.MonkeyPatch):
    class Starts:
        def positions(self, slots, attempt):
            raise Chem.KekulizeException("Can't kekulize mol.")

    one = knowing("CC=O")._pipeline(
        None, {}, {}, {"num_conformers": 2, "seed": 0, "fixed": None, "checks": ()}
    )
    work = one.begin("CC=O")
    work.starts = Starts()
    assert np.isnan(work.begun((0, 1), 0)).all()
    assert work.missing == ()
    result = one.finish(work)
    assert (result.status, result.num_conformers) == ("failed", 0)
    assert "KekulizeException" in result.reason


def test_what_is_ours_is_raised(monkeypatch: pytest.MonkeyPatch):
    raising(ValueError("a bug"), "examine", monkeypatch)
    with pytest.raises(ValueError, match="a bug"):
        list(knowing(*SMILES).generate_many(SMILES, 2))


@pytest.mark.parametrize(
    "violation",
    [
        lambda: Chem.MolFromSmiles("CCO").GetAtomWithIdx(9),
        lambda: Chem.Atom(6).GetOwningMol(),
        lambda: Chem.Atom("Xx"),
        lambda: Chem.SanitizeMol(Chem.MolFromSmiles("C(C)(C)(C)(C)C", sanitize=False)),
    ],
    ids=["of a range", "of a pre-condition", "of a post-condition", "of a valence"],
)
def test_what_rdkit_raises_is_known_for_its_own(violation):
    with pytest.raises(Exception) as caught:
        violation()
    assert is_of_rdkit(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Violation of my own rule"),
        RuntimeError("Violation of my own rule"),
        ValueError("Pre-condition Violation\n\tof my own"),
    ],
    ids=["a rule", "the kind of error", "the words"],
)
def test_an_error_of_a_check_of_ones_own_is_raised(error: Exception):
    class Rule:
        name, remedy = "rule", ""

        def __init__(self, mol):
            pass

        def passes(self, x):
            raise error

    with pytest.raises(type(error), match="my own"):
        knowing("CC=O").generate("CC=O", 2, checks=[Rule])
