"""Where hydroxyl, amino and methyl groups are turned to."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.hydrogen_torsions import HydrogenTorsions
from molediff.molecules.rotors import Rotors


@pytest.mark.parametrize(
    ("smiles", "torsion", "places"),
    [
        ("OCC(F)(F)F", "[H]OCC", (60, 180, -60)),
        ("c1ccccc1O", "[H]Occ", (0, 180)),
        ("CC(=O)O", "[H]OC=O", (0,)),
        ("CC(=O)c1ccccc1", "[H]CC=O", (0, 120, -120)),
        ("CC(F)(F)F", "[H]CCF", (60, 180, -60)),
        ("NC(=O)c1ccccc1", "[H]NC=O", (0, 180)),
    ],
)
def test_hydrogens_lie_where_their_like_do(smiles: str, torsion: str, places: tuple[int, ...]):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    x = np.repeat(mol.GetConformer().GetPositions()[None], 200, axis=0)
    x = HydrogenTorsions(mol, Rotors.of(mol)).turned(x, np.random.default_rng(1))
    [atoms, *_] = mol.GetSubstructMatches(Chem.MolFromSmarts(torsion.replace("[H]", "[#1]")))
    for conformer, y in zip([mol.GetConformer()] * len(x), x, strict=True):
        conformer.SetPositions(np.ascontiguousarray(y))
        angle = Chem.rdMolTransforms.GetDihedralDeg(conformer, *atoms)
        off = (angle - np.array(places) + 180) % 360 - 180
        assert np.abs(off).min() < 40


def test_what_has_no_such_group_stays():
    mol = Chem.AddHs(Chem.MolFromSmiles("C1CC1c1ccccc1"))
    x = np.random.default_rng(1).standard_normal((2, mol.GetNumAtoms(), 3))
    turned = HydrogenTorsions(mol, Rotors.of(mol)).turned(x, np.random.default_rng(1))
    np.testing.assert_array_equal(turned, x)
