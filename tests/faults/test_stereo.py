"""Stereo that cannot be: nothing of it is handed out, and RDKit reads what was asked for off everything that is."""

import pytest
from rdkit import Chem
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molediff.molecules.generator import ConformerGenerator

IMPOSSIBLE = [
    "O1[C@@H]2CC[C@@H]1CC2",  # a trans-bridged 7-oxanorbornane
    "F[C@]12C[C@]1(F)CC2",  # trans-fused bicyclo[2.1.0]pentane
    "C#C[C@H]1O[C@@H]2C=C[C@@H]1C2",
    "C1C[C@H]2CC[C@H]1C2",  # in,out-norbornane
]
RINGS = ["FC1CC2CC1CO2", "OC1C2CC1C2", "CC1C2CC1CO2", "C1CC2OC2C1", "CC1CC(O)C1", "NC1CC1C#N"]


@pytest.fixture(scope="module")
def generator():
    return ConformerGenerator.from_pretrained("qm9_fast", device="cpu")


def read_by_rdkit(mol, conformer):
    seen = Chem.Mol(mol, confId=conformer.GetId())
    Chem.RemoveStereochemistry(seen)
    Chem.AssignStereochemistryFrom3D(seen, replaceExistingTags=True)
    return Chem.MolToSmiles(Chem.RemoveHs(seen))


@pytest.mark.parametrize("smiles", IMPOSSIBLE)
def test_an_impossible_isomer_fails_and_says_so(generator, smiles):
    result = generator.generate(smiles, 2, seed=1, max_attempts=2)
    assert result.status == "failed"
    assert "not possible as a strain-free structure" in result.reason


def test_rdkit_reads_the_isomer_asked_for_off_every_conformer(generator):
    options = StereoEnumerationOptions(onlyUnassigned=True, unique=True)
    asked = [
        Chem.MolToSmiles(isomer)
        for smiles in RINGS
        for isomer in EnumerateStereoisomers(Chem.MolFromSmiles(smiles), options)
    ]
    num_returned = 0
    for result in generator.generate_many(asked, 2, seed=1, max_attempts=2):
        for conformer in result.mol.GetConformers():
            assert read_by_rdkit(result.mol, conformer) == Chem.CanonSmiles(result.smiles)
            num_returned += 1
    assert num_returned > len(asked) / 2
