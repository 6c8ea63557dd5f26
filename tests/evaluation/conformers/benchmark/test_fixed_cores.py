"""Cores of crystal structures, and what comes around them."""

import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.benchmark.fixed_cores import core_of, measure
from molediff.evaluation.conformers.references import read_references

CRYSTALS = "data/demo_crystals.sdf"


@pytest.fixture(scope="module")
def mols() -> list[Chem.Mol]:
    return read_references(CRYSTALS)


@pytest.mark.parametrize("kind", ["scaffold", "side", "two rings"])
def test_a_core_is_of_heavy_atoms_and_leaves_some_free(mols, kind):
    cores = [core_of(mol, kind, np.random.default_rng(1)) for mol in mols]
    assert any(cores)
    for mol, core in zip(mols, cores, strict=True):
        symbols = [mol.GetAtomWithIdx(atom).GetSymbol() for atom in core]
        assert "H" not in symbols
        assert len(core) < mol.GetNumHeavyAtoms()
    assert cores == [core_of(mol, kind, np.random.default_rng(1)) for mol in mols]


def test_there_are_no_other_kinds(mols):
    with pytest.raises(ValueError, match="scaffold"):
        core_of(mols[0], "ring", np.random.default_rng(1))


def test_held_cores_do_not_move_and_those_of_distance_geometry_do(capsys):
    found = measure(CRYSTALS, 3, ["side"], 4, "drugs", ["crystal"], 1)
    theirs, ours = found["rows"]
    assert ours["core_off"] < 1e-3 < theirs["core_off"]
    assert ours["returned"] == 1.0
    assert 0 < ours["nearest_mean"] < 3
    assert "drugs, crystal" in capsys.readouterr().out
