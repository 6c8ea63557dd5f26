"""Starts that take a few steps of MMFF94s."""

from collections.abc import Sequence

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.clock import Clock
from molediff.molecules.generation.relaxed_starts import NUM_EVALUATIONS, RelaxedStarts, field_of


class Given:
    def __init__(self, x: np.ndarray):
        self.x = x

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        return self.x[np.asarray(slots)]


def embedded(smiles: str, num: int) -> tuple[Chem.Mol, np.ndarray]:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=1)
    return mol, np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


def started(mol: Chem.Mol, x: np.ndarray, init: str) -> RelaxedStarts:
    field = field_of(mol, charges=init == "minima")
    assert field is not None
    return RelaxedStarts(Given(x), field, NUM_EVALUATIONS[init], len(x))


def energies(mol: Chem.Mol, x: np.ndarray) -> np.ndarray:
    field = MMFF(with_conformers(mol, list(x)))
    return np.array([field.energy(i) for i in range(len(x))])


def test_they_give_off_energy_and_keep_the_hands():
    mol, x = embedded("C[C@H](O)C(=O)N1CCN(CC1)c1ccc(Cl)cn1", 3)
    starts = started(mol, x, "minima")
    found = starts.positions([2, 0], attempt=0)
    assert (energies(mol, found) < energies(mol, x[[2, 0]]) - 5).all()
    after = with_conformers(mol, list(found))
    for conformer in after.GetConformers():
        Chem.AssignStereochemistryFrom3D(after, conformer.GetId(), True)
        assert Chem.MolToSmiles(Chem.RemoveHs(after)) == Chem.MolToSmiles(Chem.RemoveHs(mol))


def test_one_does_not_depend_on_those_beside_it_and_none_stays_none():
    mol, x = embedded("CCOC(=O)c1ccccc1", 3)
    x[1] = np.nan
    starts = started(mol, x, "crystal")
    together = starts.positions([0, 1, 2], attempt=0)
    assert np.isnan(together[1]).all()
    np.testing.assert_array_equal(starts.positions([2], attempt=0)[0], together[2])


def test_when_time_is_up_all_stay():
    mol, x = embedded("CCOC(=O)c1ccccc1", 3)
    clock = Clock(limit=0.0)
    clock.start()
    field = field_of(mol, charges=True)
    assert field is not None
    found = RelaxedStarts(Given(x), field, 12, 3, clock).positions([0, 1, 2], 0)
    np.testing.assert_allclose(found, x, atol=1e-5)


def test_charges_pull_in_vacuum_alone():
    mol, x = embedded("NCCCC(=O)O", 2)
    vacuum, crystal = (started(mol, x, init).positions([0, 1], 0) for init in ("minima", "crystal"))
    assert (np.abs(vacuum - crystal).max(axis=(1, 2)) > 1e-3).all()


def test_where_the_force_field_knows_nothing_there_is_none():
    assert field_of(Chem.AddHs(Chem.MolFromSmiles("CO[O-]")), charges=True) is None


def test_boron_has_starts_of_its_own():
    mol, x = embedded("OB(O)c1ccccc1", 2)
    found = started(mol, x, "minima").positions([0, 1], attempt=0)
    assert (np.abs(found - x).max(axis=(1, 2)) > 0.02).all()
