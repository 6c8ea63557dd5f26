"""MMFF94s: where it applies, and what its relaxation says of itself."""

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.energies.relax import relax_conformers
from molediff.molecules.errors import ForceFieldError


@pytest.mark.parametrize(
    ("smiles", "bond"),
    [("O=C=O", "O=C"), ("N#N", "N#N"), ("CN=C=S", "C=S"), ("C#[N+][O-]", "C#N"), ("[N-]=[N+]=O", "N=N")],
)
def test_a_multiple_bond_without_parameters_is_refused(smiles, bond):
    """The empirical rule of MMFF94 would make them 0.15 to 0.36 Angstrom too long."""
    mol = embedded(smiles)
    before = mol.GetConformer().GetPositions().copy()
    with pytest.raises(ForceFieldError, match=f"force field not applicable: .* {bond} bond"):
        relax_conformers(mol, "mmff")
    np.testing.assert_array_equal(mol.GetConformer().GetPositions(), before)


@pytest.mark.parametrize(
    "smiles",
    [
        "C=C=O",
        "CN=C=O",
        "CN=[N+]=[N-]",
        "CC(=O)[O-]",
        "C[N+](=O)[O-]",
        "C[N+]#[C-]",
        "CS(C)(=O)=O",
        "C=[O+]C",
        "OO",
    ],
)
def test_what_it_has_parameters_for_is_not_refused(smiles):
    MMFF(embedded(smiles))


def test_no_parameters_at_all_is_said():
    with pytest.raises(
        ForceFieldError, match=r"no parameters for this molecule \(B is none of its elements\)"
    ):
        MMFF(Chem.AddHs(Chem.MolFromSmiles("CB(O)O")))


def test_it_says_whether_it_reached_a_minimum():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCCO"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    field = MMFF(mol)
    assert not field.relax(max_iterations=1).converged
    end = field.relax()
    assert end.converged
    assert end.energy == pytest.approx(field.energy())
    assert field.relax().energy == pytest.approx(end.energy, abs=1e-3)


def test_conformers_give_off_what_each_loses_by_itself():
    mol = Chem.AddHs(Chem.MolFromSmiles("OCCCCN1CCOCC1"))
    rdDistGeom.EmbedMultipleConfs(mol, 3, randomSeed=7)
    field = MMFF(mol)
    given_off = field.given_off(np.stack([c.GetPositions() for c in mol.GetConformers()]), 5)
    alone = [field.energy(i) - field.relax(i, max_iterations=5).energy for i in range(3)]
    np.testing.assert_allclose(given_off, alone, rtol=1e-9)


@pytest.mark.parametrize("smiles", ["O=c1cc[nH]cc1", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "CN1C=NP2(=N1)OCCCO2"])
def test_the_molecule_keeps_its_aromatic_rings(smiles):
    """RDKit's types come with MMFF's idea of aromaticity, and some molecules with that cannot be sanitized again."""
    mol = embedded(smiles)
    flags = [bond.GetIsAromatic() for bond in mol.GetBonds()]
    field = MMFF(mol)
    energy = field.energy()
    typed = Chem.Mol(mol)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(typed, "MMFF94s")
    assert energy == pytest.approx(
        rdForceFieldHelpers.MMFFGetMoleculeForceField(typed, properties).CalcEnergy()
    )
    field.relax()
    relax_conformers(mol, "mmff")
    field.descent(mol.GetConformer().GetPositions()[None]).go_on(1)
    assert [bond.GetIsAromatic() for bond in mol.GetBonds()] == flags
    Chem.SanitizeMol(mol)
