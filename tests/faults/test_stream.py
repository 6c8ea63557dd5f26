"""Inputs that once ended a run, or Python itself: each has its result, and the next is worked on."""

import pytest
from fuzz_inputs import generator, run
from rdkit import Chem

GENERATOR = generator()


def mol_with(change) -> Chem.Mol:
    mol = Chem.RWMol(Chem.MolFromSmiles("C1CCCCC1"))
    change(mol)
    return mol


ODD = {
    "surrogate": lambda: "C\ud800",
    "null character": lambda: "C\x00C",
    "odd bond": lambda: mol_with(lambda mol: mol.GetBondWithIdx(0).SetBondType(Chem.BondType.OTHER)),
    "three-centre bond": lambda: mol_with(
        lambda mol: mol.GetBondWithIdx(0).SetBondType(Chem.BondType.THREECENTER)
    ),
    "other tag": lambda: mol_with(lambda mol: mol.GetAtomWithIdx(0).SetChiralTag(Chem.ChiralType.CHI_OTHER)),
    "no molecule inside": lambda: Chem.Mol.__new__(Chem.Mol),
    "bytes": lambda: b"CCO",
    "nested": lambda: [[["CCO"]]],
    "object": object,
    "very long": lambda: "C" * 1_000_000,
    "many rings": lambda: "C1CC1" * 1900,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_the_stream_goes_on_behind_it(odd):
    before, result, after = run(GENERATOR, ["[H][H]", odd(), "[H]F"])
    assert (before.status, after.status) == ("ok", "ok")
    assert result.status == "failed"
    assert result.reason
