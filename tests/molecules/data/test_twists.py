"""Structures beside minima: torsions turned, and some of them relaxed by a force field."""

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from molediff.molecules.data import twists
from molediff.molecules.data.packing import PackedRecord, pack
from molediff.molecules.data.twists import TwistedMinima, turned_onto
from molediff.molecules.graph.features import featurize
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from tests.fake_generators import embedded

SMILES = "CC(O)CCc1ccccc1"


def twisted() -> TwistedMinima:
    mols = [embedded(one) for one in (SMILES, "CCO")]
    records = [
        PackedRecord(smiles, featurize(mol, ORGANIC), mol.GetConformer().GetPositions())
        for smiles, mol in zip((SMILES, "CCO"), mols, strict=True)
    ]
    return TwistedMinima(pack(records), vocabulary=ORGANIC, num_starts=3, seed=1)


def test_a_bond_turns_by_the_angle_asked_for():
    mol = embedded(SMILES)
    rotors, conformer = Rotors.of(mol), mol.GetConformer()
    x = conformer.GetPositions()
    for row, (j, k) in enumerate(rotors.bonds.tolist()):
        i, m = (
            next(n.GetIdx() for n in mol.GetAtomWithIdx(a).GetNeighbors() if n.GetIdx() != b)
            for a, b in ((j, k), (k, j))
        )
        before = rdMolTransforms.GetDihedralDeg(conformer, i, j, k, m)
        angles = np.zeros(len(rotors.kind))
        angles[row] = 37.0
        turned = Chem.Mol(mol)
        turned.GetConformer().SetPositions(rotors.turn(x, angles))
        after = rdMolTransforms.GetDihedralDeg(turned.GetConformer(), i, j, k, m)
        assert abs((after - before - 37 + 180) % 360 - 180) < 1e-6


def test_rings_double_bonds_and_ends_do_not_turn():
    assert len(Rotors.of(Chem.AddHs(Chem.MolFromSmiles("C1CC1"))).bonds) == 0
    assert len(Rotors.of(Chem.AddHs(Chem.MolFromSmiles("C=CF"))).bonds) == 0
    assert len(Rotors.of(Chem.AddHs(Chem.MolFromSmiles("CO"))).bonds) == 1


def test_turned_starts_keep_bonds_and_lie_on_their_minimum(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(twists, "_RELAXED_SHARE", 0.0)
    monkeypatch.setattr(twists, "_MOST_SHAKEN", 0.0)
    batch = twisted().batch([0, 1])
    assert batch.starts is not None
    assert batch.positions is not None
    lengths = [
        (x.unsqueeze(-2) - x.unsqueeze(-3)).norm(dim=-1) for x in (batch.starts, batch.positions.unsqueeze(1))
    ]
    assert ((lengths[0] - lengths[1]).abs() * batch.bonded.unsqueeze(1)).max() < 1e-4
    apart = (batch.starts - batch.positions.unsqueeze(1))[0].norm(dim=-1).mean(-1)
    assert bool((apart > 0.01).all())
    torch.testing.assert_close(
        batch.starts.mean(2), batch.positions.mean(1, keepdim=True).expand(-1, 3, -1), atol=1e-4, rtol=0
    )


def test_relaxed_starts_have_good_bonds_and_lie_in_the_same_well(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(twists, "_RELAXED_SHARE", 1.0)
    monkeypatch.setattr(twists, "_LEAST_EVALUATIONS", 12)
    data = twisted()
    batch = data.batch([0])
    assert batch.starts is not None
    rotors, minimum = data.rotors(0), data.positions(0)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in embedded(SMILES).GetBonds()]
    first, second = np.transpose(bonds)
    for start in batch.starts[0].double().numpy():
        assert np.abs(start - minimum).max() > 0.01
        lengths = [np.linalg.norm(x[first] - x[second], axis=-1) for x in (start, minimum)]
        np.testing.assert_allclose(*lengths, atol=0.2)
        assert (np.abs((rotors.angles(start) - rotors.angles(minimum) + 180) % 360 - 180) < 60).all()


def test_a_batch_has_the_same_starts_whenever_it_is_made():
    torch.testing.assert_close(twisted().batch([0, 1]).starts, twisted().batch([0, 1]).starts, atol=0, rtol=0)


def test_turned_onto_undoes_a_rigid_motion():
    random = np.random.default_rng(0)
    x = random.normal(size=(9, 3))
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    np.testing.assert_allclose(turned_onto(x @ rotation.T + 2.0, x), x, atol=1e-12)
