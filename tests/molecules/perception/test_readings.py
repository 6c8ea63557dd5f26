"""RDKit is asked once for each distinct reading of stereo, and what it says is what it would say of each conformer."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.perception.stereo import StereoCheck

MOLECULES = (
    "C[C@H](O)C(C)C(F)CN",  # beside an open centre
    "C/C=C/C(C)O",
    "C[C@H]1CC[C@@H](C)CC1",  # centres by each other alone
    "O=C1[C@@H]2[C@@H]3OC[C@@]1(O)[C@@H]32",
    "C[C@@H]1CN1C",
    "CC(C)(C)[C@@H](C#N)/N=C/C=C(\\F)C",
)


@pytest.mark.parametrize("smiles", MOLECULES)
@pytest.mark.parametrize("shake", [0.0, 0.12])
def test_answers_for_a_reading_are_those_for_each_conformer(smiles: str, shake: float):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    open_ = Chem.Mol(mol)
    Chem.RemoveStereochemistry(open_)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = 3
    rdDistGeom.EmbedMultipleConfs(open_, 60, parameters)
    x = np.array([conformer.GetPositions() for conformer in open_.GetConformers()])
    x = np.concatenate([x, x * [1, 1, -1]]) + shake * np.random.default_rng(0).normal(
        size=(2 * len(x), *x.shape[1:])
    )
    check = StereoCheck(mol, mol_to_graph(mol))
    assert check._misread_of_all(x) == [check.misread(positions) for positions in x]


def test_rdkit_is_asked_less_often_than_there_are_conformers(monkeypatch: pytest.MonkeyPatch):
    mol = Chem.AddHs(Chem.MolFromSmiles("C[C@H](O)CC(N)=O"))
    rdDistGeom.EmbedMultipleConfs(mol, 50, randomSeed=1)
    x = np.array([conformer.GetPositions() for conformer in mol.GetConformers()])
    check, asked = StereoCheck(mol, mol_to_graph(mol)), []
    former = check.misread
    monkeypatch.setattr(check, "misread", lambda positions: asked.append(1) or former(positions))
    assert check.correct(x).right.all()
    assert len(asked) < 10
