import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.molecules.generation.checks import GeometryCheck, bond_length
from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.perception.stereo import StereoCheck

MOLECULES = [
    "C",
    "O",
    "CCO",
    "c1ccoc1",
    "C1CC1",
    "C12CC(C1)C2",
    "N#CC#N",
    "[O-]C(=O)C[NH3+]",
    "FC(F)(F)C",
    "C1=CC2CC2N1",
]


@pytest.mark.parametrize("smiles", MOLECULES)
def test_etkdg_geometry_passes(smiles):
    mol = embedded(smiles)
    check = GeometryCheck(mol)
    x = mol.GetConformer().GetPositions()[None]
    assert check.bonds_hold(x).all()
    assert check.atoms_keep_apart(x).all()


@pytest.mark.parametrize("factor", [0.75, 1.3])
def test_scaled_molecule_has_impossible_bonds(factor):
    mol = embedded("CCO")
    assert not GeometryCheck(mol).bonds_hold(factor * mol.GetConformer().GetPositions()[None]).any()


def test_one_stretched_bond_of_one_sample_is_found():
    mol = embedded("CCO")
    x = np.repeat(mol.GetConformer().GetPositions()[None], 3, axis=0)
    hydrogen = 3
    x[1, hydrogen] += 0.5 * (x[1, hydrogen] - x[1, 0])
    assert GeometryCheck(mol).bonds_hold(x).tolist() == [True, False, True]


@pytest.mark.parametrize(("distance", "apart"), [(1.15, False), (1.3, True)])
def test_hydrogens_touch_below_the_limit(distance, apart):
    check = GeometryCheck(Chem.AddHs(Chem.MolFromSmiles("CO")))
    x = 10.0 * np.arange(6)[None, :, None] * np.ones(3)
    x[:, 3] = x[:, 2] + np.array([distance, 0.0, 0.0])
    assert check.atoms_keep_apart(x).tolist() == [apart]


def test_swapped_atoms_do_not_pass_as_the_molecule():
    mol = embedded("CCO")
    x = mol.GetConformer().GetPositions()[None][:, [2, 1, 0, *range(3, 9)]]
    check = GeometryCheck(mol)
    assert not (check.bonds_hold(x) & check.atoms_keep_apart(x)).any()


def test_single_atom_has_nothing_to_break():
    check = GeometryCheck(Chem.AddHs(Chem.MolFromSmiles("[F-]")))
    assert check.bonds_hold(np.zeros((2, 1, 3))).all()
    assert check.atoms_keep_apart(np.zeros((2, 1, 3))).all()


@pytest.mark.parametrize(
    ("smiles", "experiment"), [("[H][H]", 0.741), ("N#N", 1.098), ("[C-]#[O+]", 1.128), ("F", 0.917)]
)
def test_bond_length_is_near_experiment(smiles, experiment):
    assert bond_length(Chem.AddHs(Chem.MolFromSmiles(smiles)), 0, 1) == pytest.approx(experiment, rel=0.08)


def test_geometries_of_qm9_are_never_rejected(qm9_rows):
    """Cages, zwitterions and strained rings included: what quantum chemistry says exists must pass."""
    num_molecules = 0
    for split in ("train", "val", "test"):
        for mol in qm9_rows.mols(split, range(len(qm9_rows.split(split)))):
            check, x = GeometryCheck(mol), mol.GetConformer().GetPositions()[None]
            assert check.bonds_hold(x).all(), Chem.MolToSmiles(mol)
            assert check.atoms_keep_apart(x).all(), Chem.MolToSmiles(mol)
            assert StereoCheck(mol, mol_to_graph(mol)).correct(x).right.all(), Chem.MolToSmiles(mol)
            num_molecules += 1
    assert num_molecules > 30
