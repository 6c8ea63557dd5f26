"""MMFF94s of many conformers at once is that of RDKit, and its model Hessian leads down the same hills, sooner."""

import numpy as np
import pytest
import torch
from fake_generators import embedded
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolTransforms

from molediff.molecules.energies.descent import Descent
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.energies.mmff_field import MMFFField
from molediff.molecules.energies.mmff_terms import MMFFTerms
from molediff.molecules.energies.stiffness import Stiffness

KINDS = [
    "CC#CC=C",  # straight angles
    "CN=[N+]=[N-]",
    "CC=C=CF",
    "C[N+]#[C-]",
    "C1CC1C1CCC1C1CO1",  # small rings have types of their own
    "Cc1ccoc1-c1nccs1",
    "C[N+](=O)[O-]",
    "C[n+]1cccc([O-])c1",
    "CS(=O)(=O)Nc1ccc(Cl)cc1Br",
    "COP(=O)([O-])OCC[N+](C)(C)C",
    "NC(N)=[NH2+]",
    "C[Si](C)(C)CI",
    "O=C1NC(=O)C2CC12",
]


def shaken(smiles: str, num: int = 3) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=7, useRandomCoords=True)
    random = np.random.default_rng(0)
    for conformer in mol.GetConformers():
        conformer.SetPositions(conformer.GetPositions() + random.normal(0, 0.1, (mol.GetNumAtoms(), 3)))
    return mol


def points(mol: Chem.Mol) -> torch.Tensor:
    return torch.from_numpy(np.stack([one.GetPositions() for one in mol.GetConformers()]))


def field_of(mol: Chem.Mol, charges: bool = True) -> MMFFField:
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    terms = MMFFTerms.of(mol, properties)
    return MMFFField(terms if charges else terms.without_charges(), mol.GetNumAtoms())


def whole(lower: torch.Tensor) -> torch.Tensor:
    """The symmetric matrices (n, D, D) of which this is the lower triangle."""
    return lower.tril() + lower.tril(-1).transpose(1, 2)


@pytest.mark.parametrize("charges", [True, False])
@pytest.mark.parametrize("smiles", KINDS)
def test_energies_and_forces_are_those_of_rdkit(smiles, charges):
    mol = shaken(smiles)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    assert properties is not None
    properties.SetMMFFEleTerm(charges)
    energies, forces = field_of(mol, charges)(points(mol))
    assert mol.GetNumConformers() > 0
    for number, conformer in enumerate(mol.GetConformers()):
        theirs = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, confId=conformer.GetId())
        theirs.Initialize()
        assert float(energies[number]) == pytest.approx(theirs.CalcEnergy(), abs=1e-3)
        np.testing.assert_allclose(
            -forces[number].numpy(), np.reshape(theirs.CalcGrad(), (-1, 3)), atol=2e-3, rtol=1e-5
        )


def test_forces_are_the_slope_of_the_energy_and_move_nothing_as_a_whole():
    mol = shaken("CC(=O)Nc1ccc(O)cc1", 2)
    field, x = field_of(mol), points(mol)
    _, forces = field(x)
    direction = torch.from_numpy(np.random.default_rng(1).normal(size=x.shape))
    step = 1e-5 * direction
    slope = (field(x + step)[0] - field(x - step)[0]) / 2e-5
    np.testing.assert_allclose(slope, -(forces * direction).sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(forces.sum(1), 0, atol=1e-8)
    np.testing.assert_allclose(torch.linalg.cross(x, forces).sum(1), 0, atol=1e-8)


def test_the_model_hessian_is_that_of_the_stiff_terms():
    """Fluorine, without contacts: for a small stretch the model is the second derivative of the stretch term."""
    mol = embedded("FF")
    mol.GetConformer().SetPositions(np.array([[0.0, 0, 0], [1.4, 0, 0]]))
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    _, constant, _ = properties.GetMMFFBondStretchParams(mol, 0, 1)
    found = whole(Stiffness(field_of(mol))(points(mol)))[0]
    expected = np.zeros((6, 6))
    expected[np.ix_([0, 1], [0, 1])] = 143.9325 * constant * np.array([[1, -1], [-1, 1]])
    np.testing.assert_allclose(found, expected + np.eye(6), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("smiles", ["CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CC#CCN=[N+]=[N-]"])
def test_the_model_hessian_is_positive_and_free_of_rigid_motions(smiles):
    mol = shaken(smiles, 2)
    found = whole(Stiffness(field_of(mol))(points(mol)))
    assert float(torch.linalg.eigvalsh(found).min()) > 0.99
    shift = torch.tensor([1.0, 2.0, -1.0]).double().repeat_interleave(mol.GetNumAtoms())
    np.testing.assert_allclose(found @ shift, shift.expand(2, -1), atol=1e-7)
    turn = (
        torch.linalg.cross(torch.tensor([[[0.3, -0.2, 0.5]]]).double(), points(mol))
        .transpose(1, 2)
        .flatten(1)
    )
    np.testing.assert_allclose((found @ turn[:, :, None])[:, :, 0], turn, atol=1e-6)


def test_ten_evaluations_come_as_far_down_as_sixty_steps_of_rdkit():
    mol = shaken("CC(C)Cc1ccc(cc1)C(C)C(=O)NCCN1CCOCC1", 8)
    field = MMFF(mol)
    _, energies = field.lowered(points(mol).numpy(), 11)
    theirs = []
    for conformer in mol.GetConformers():
        theirs.append(field.relax(conformer.GetId(), max_iterations=60).energy)
    assert np.median(energies) < np.median(theirs) + 1.5  # they begin at 700


def test_it_ends_in_the_minimum():
    mol = shaken("CCOC(C)=O", 4)
    field = MMFF(mol)
    x, energies = field.lowered(points(mol).numpy(), 80)
    for conformer, one in zip(mol.GetConformers(), x, strict=True):
        conformer.SetPositions(one)
    minima = [field.relax(conformer.GetId()).energy for conformer in mol.GetConformers()]
    np.testing.assert_allclose(energies, minima, atol=0.02)


def test_what_becomes_of_one_does_not_depend_on_the_others_and_what_is_not_finite_stays():
    mol = shaken("OCC(O)C(=O)NC1CC1", 5)
    field, x = MMFF(mol), points(mol).numpy()
    x[2, 3] = np.nan
    together, energies = field.lowered(x, 12)
    assert np.isnan(energies).tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(together[2], x[2])
    for number in (0, 4):
        alone, energy = field.lowered(x[[number]], 12)
        np.testing.assert_allclose(alone[0], together[number], atol=5e-3)
        assert energy[0] == pytest.approx(energies[number], abs=0.01)


def test_a_descent_in_parts_goes_the_same_way_and_some_can_be_left():
    mol = shaken("OCC(O)C(=O)NC1CC1", 5)
    field, x = MMFF(mol), points(mol).numpy()
    at_once, energies = field.lowered(x, 9)
    descent = field.descent(x)
    descent.go_on(3)
    descent.keep(np.array([1, 2, 4]))
    descent.go_on(5)
    np.testing.assert_allclose(descent.x, at_once[[1, 2, 4]], atol=1e-4)
    np.testing.assert_allclose(descent.energies, energies[[1, 2, 4]], atol=1e-3)


def test_atoms_in_one_place_stop_nobody():
    mol = shaken("CCCO", 2)
    x = points(mol).numpy()
    x[0, 1] = x[0, 0]
    found, energies = MMFF(mol).lowered(x, 10)
    np.testing.assert_allclose(found[0], x[0], atol=1e-6)
    assert np.isfinite(found[1]).all()
    assert np.isfinite(energies[1])


def test_it_ends_when_the_time_is_up():
    mol = shaken("CCCO", 1)
    field, x = MMFF(mol), points(mol).numpy()
    found, _ = field.lowered(x, 20, lambda: True)
    np.testing.assert_allclose(found, x, atol=1e-6)


def test_a_descent_of_a_quadratic_needs_one_step_in_its_own_metric():
    stiff = torch.diag(torch.tensor([1000.0, 1.0, 30.0]).double())
    start = torch.tensor([[[0.01, 0.2, -0.1]]]).double()

    def potential(x):
        return 0.5 * (x.flatten(1) @ stiff * x.flatten(1)).sum(1), -(x.flatten(1) @ stiff).view_as(x)

    descent = Descent(potential, lambda x: stiff.expand(len(x), 3, 3), start)
    descent.go_on(1)
    np.testing.assert_allclose(descent.x, 0, atol=1e-12)
    assert float(descent.energy) == pytest.approx(0)


def test_held_atoms_stay_and_the_others_go_where_they_would_in_rdkit():
    mol = shaken("CCOC(=O)c1ccccc1", 2)
    held = [0, 3, 5, 8]
    x = points(mol).numpy()
    found, energies = MMFF(mol, held=held).lowered(x, 120)
    np.testing.assert_allclose(found[:, held], x[:, held], atol=1e-5)
    plain = MMFF(mol)
    for place, conformer in enumerate(mol.GetConformers()):
        expected = plain.relax(conformer.GetId(), fixed=held)
        assert energies[place] == pytest.approx(expected.energy, abs=0.3)


@pytest.mark.parametrize(
    ("smiles", "degrees"),
    [("CCN=C=O", 134.0), ("CCN=C=S", 149.0), ("CCN=C=NCC", 124.5), ("c1ccccc1N=C=S", 149.0)],
)
def test_heterocumulenes_are_amended_where_that_is_asked_for(smiles: str, degrees: float):
    mol = embedded(smiles)
    [atoms, *_] = mol.GetSubstructMatches(Chem.MolFromSmarts("[#6]N=C=*"))
    field = MMFF(mol, amended=True)
    for x in field.lowered(mol.GetConformer().GetPositions()[None], 40)[0]:
        mol.GetConformer().SetPositions(x)
        assert rdMolTransforms.GetAngleDeg(mol.GetConformer(), *atoms[:3]) == pytest.approx(degrees, abs=6)
        assert rdMolTransforms.GetAngleDeg(mol.GetConformer(), *atoms[1:4]) == pytest.approx(180, abs=8)
        if smiles.endswith("S"):
            length = rdMolTransforms.GetBondLength(mol.GetConformer(), *atoms[2:4])
            assert length == pytest.approx(1.578, abs=0.02)


def test_the_ends_of_a_carbodiimide_are_perpendicular_then():
    mol = embedded("CN=C=NC")
    x = MMFF(mol, amended=True).lowered(mol.GetConformer().GetPositions()[None], 60)[0][0]
    mol.GetConformer().SetPositions(x)
    twist = rdMolTransforms.GetDihedralDeg(mol.GetConformer(), 0, 1, 3, 4)
    assert abs(twist) == pytest.approx(90, abs=15)


@pytest.mark.parametrize("smiles", ["CN(C)N=O", "O=NN1CCOCC1"])
def test_nitrosamines_are_flat_then(smiles: str):
    mol = embedded(smiles)
    x = MMFF(mol, amended=True).lowered(mol.GetConformer().GetPositions()[None], 60)[0][0]
    mol.GetConformer().SetPositions(x)
    for atoms in mol.GetSubstructMatches(Chem.MolFromSmarts("CNN=O")):
        twist = abs(rdMolTransforms.GetDihedralDeg(mol.GetConformer(), *atoms))
        assert min(twist, 180 - twist) < 12


def test_two_tertiary_groups_on_one_side_of_an_azo_group_stay_there_then():
    mol = Chem.AddHs(Chem.MolFromSmiles(r"CC(C)(C)/N=N\C(C)(C)C"))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    [atoms, *_] = mol.GetSubstructMatches(Chem.MolFromSmarts("CN=NC"))
    start = mol.GetConformer().GetPositions()[None]
    for amended, degrees in ((True, 0), (False, 180)):
        mol.GetConformer().SetPositions(MMFF(mol, amended=amended).lowered(start, 150)[0][0])
        twist = abs(rdMolTransforms.GetDihedralDeg(mol.GetConformer(), *atoms))
        assert twist == pytest.approx(degrees, abs=20)


def test_other_molecules_are_not_amended():
    mol = embedded("CC(=O)NCC#N")
    x = mol.GetConformer().GetPositions()[None]
    np.testing.assert_array_equal(MMFF(mol, amended=True).lowered(x, 9)[0], MMFF(mol).lowered(x, 9)[0])
