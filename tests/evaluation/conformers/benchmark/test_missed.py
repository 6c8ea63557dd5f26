"""Which surroundings of bonds are missed, and whether that tells right from wrong."""

import json

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.evaluation.conformers.benchmark import missed as module
from molediff.evaluation.conformers.benchmark.missed import (
    Sampled,
    cross_validated,
    measure,
    missed,
    sampled,
    told_apart,
)


def one(right, **beside):
    return Sampled(np.array(right, bool), {text: np.array(flags, bool) for text, flags in beside.items()})


RIGHT, HALF = one([1, 1], a=[0, 0], b=[0, 0]), one([1, 0], a=[0, 0], c=[0, 1])


def test_what_is_missed_more_often_than_is_tolerated_is_counted():
    assert missed([RIGHT, HALF], 0.4) == {"c": (1, 2)}
    assert missed([RIGHT, HALF], 0.5) == {}
    assert missed([RIGHT, one([0], a=[1])], 0.1) == {"a": (1, 3)}


def test_what_ordinary_molecules_do_not_miss_is_not_missed():
    usual = one([1] * 6, a=[0] * 6, c=[1] * 6)
    assert missed([one([0], a=[1], b=[1])], 0.25, [usual]) == {"b": (1, 1)}
    assert missed([one([0, 0], a=[1, 1])], 0.2, [usual]) == {"a": (2, 8)}
    assert missed([RIGHT], 0.25, [usual]) == {}


def test_shares_are_of_conformers_with_and_without_a_caution():
    figures = told_apart([RIGHT, HALF], [False, True])
    assert figures == {"plain": 2, "plain_right": 1.0, "cautioned": 2, "cautioned_right": 0.5}
    assert np.isnan(told_apart([RIGHT], [False])["cautioned_right"])


def test_a_molecule_is_told_by_the_others_alone():
    """What only one molecule has nobody else can tell; what all have is told of all."""
    alone = [one([0], **{f"only {i}": [1]}) for i in range(10)]
    shared = [one([0], all=[1]) for _ in range(10)]
    assert cross_validated(alone, 0.1, seed=0)["cautioned"] == 0
    assert cross_validated(shared, 0.1, seed=0)["plain"] == 0


def moved(smiles, atom, by):
    """A molecule as reference, and a generator whose sample has one atom moved along x, in Angstrom."""
    reference = embedded(smiles)
    other = Chem.Mol(reference)
    x = np.array(other.GetConformer().GetPositions())
    x[atom, 0] += by
    other.GetConformer().SetPositions(x)
    return reference, other


@pytest.mark.parametrize(("by", "num_right"), [(0.0, 2), (0.3, 0)])
def test_bonds_beside_a_moved_atom_are_missed_and_those_far_from_it_are_not(by, num_right):
    reference, other = moved("CCCCO", 4, by)
    samples = sampled(Returns(other, 2), reference, 2, seed=1)
    assert samples.right.sum() == num_right
    flags = {text: bool(beside.any()) for text, beside in samples.beside.items()}
    assert flags[next(text for text in flags if "O" in text)] == (by > 0)
    assert not flags[next(text for text in flags if "O" not in text)]


class Returns:
    """A generator that returns one geometry."""

    def __init__(self, mol, num):
        self.mol, self.num = mol, num
        self.domain, self.metadata = None, {"sha256": "0"}

    def generate(self, mol, num_conformers, seed):
        x = np.array([self.mol.GetConformer().GetPositions()] * self.num).reshape(
            self.num, self.mol.GetNumAtoms(), 3
        )
        return type("Result", (), {"num_conformers": self.num, "ensemble": type("E", (), {"coordinates": x})})


def test_what_was_measured_is_written_where_weights_look_for_it(monkeypatch, tmp_path):
    reference, other = moved("CCCCO", 4, 0.3)
    generator = type("Loads", (), {"from_pretrained": staticmethod(lambda *_, **__: Returns(other, 2))})
    monkeypatch.setattr(module, "ConformerGenerator", generator)
    monkeypatch.setattr(module, "read_references", lambda _: [reference] * 5)
    found = measure(["file"], None, ["mine"], 2, 1, 0.1, None, str(tmp_path))["mine"]
    assert found["num_molecules"] == 5
    assert found["on others"]["cautioned"] == found["on the same molecules"]["cautioned"] == 10
    written = json.loads((tmp_path / "mine.missed.json").read_text())["surroundings"]
    assert written.keys() == found["surroundings"].keys()
    assert set(written.values()) == {"10 of 10"}
    assert all("O" in text for text in written)


def test_what_has_no_conformer_is_no_evidence():
    assert sampled(Returns(embedded("CCO"), 0), embedded("CCO"), 2, seed=1).right.size == 0
    assert missed([sampled(Returns(embedded("CCO"), 0), embedded("CCO"), 2, seed=1)], 0.1) == {}
