import io
import sys

import numpy as np

from molediff.evaluation.report.plausibility import plausibility_checks


def test_sound_conformers_pass_everything(embed):
    checks = plausibility_checks(embed("Cc1ccncc1", num_conformers=2))
    assert len(checks) == 2
    assert all(all(conformer.values()) for conformer in checks)
    assert {"bond_lengths", "bond_angles", "internal_steric_clash", "aromatic_ring_flatness"} <= checks[
        0
    ].keys()


def test_long_bond_fails_bond_lengths_of_its_conformer_only(embed):
    mol = embed("CCO", num_conformers=2)
    positions = mol.GetConformer(1).GetPositions()
    positions[2] += 0.7 * (positions[2] - positions[1])
    mol.GetConformer(1).SetPositions(positions)
    first, second = plausibility_checks(mol)
    assert first["bond_lengths"] is True
    assert second["bond_lengths"] is False


def test_puckered_benzene_fails_flatness(embed):
    mol = embed("c1ccccc1")
    positions = mol.GetConformer().GetPositions()
    normal = np.linalg.svd(positions - positions.mean(axis=0))[2][-1]
    positions[0] += 0.8 * normal
    mol.GetConformer().SetPositions(positions)
    assert plausibility_checks(mol)[0]["aromatic_ring_flatness"] is False


def test_closed_standard_error_of_an_earlier_call_fails_nothing(embed, monkeypatch):
    mol = embed("CCO")
    with monkeypatch.context() as patch, io.StringIO() as captured:
        patch.setattr(sys, "stderr", captured)
        plausibility_checks(mol)
    assert all(plausibility_checks(mol)[0].values())


def test_cap_on_conformers(embed):
    mol = embed("CCO", num_conformers=4)
    assert len(plausibility_checks(mol, max_conformers=2)) == 2
    assert plausibility_checks(mol, max_conformers=0) == []


def test_energy_ratio_only_on_demand(embed):
    mol = embed("CO")
    assert "internal_energy" not in plausibility_checks(mol)[0]
    assert plausibility_checks(mol, energy_ratio=True)[0]["internal_energy"] is True
