"""Stereo that cannot be: nothing of it is handed out, and RDKit reads what was asked for off everything that is."""

import numpy as np
import pytest
from places import DATA
from rdkit import Chem
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.perception.stereo import StereoCheck

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


INSIDE_OUT_CAGES = ["O[C@H]1[C@@]23CCO[C@@]12CO3", "O[C@H]1C[C@]23CN4[C@H]2C[C@@]143"]


@pytest.fixture(scope="module")
def minima():
    """GFN2-xTB minima of test molecules by canonical SMILES."""
    mols = read_references(DATA / "ensembles_test.sdf.gz")
    return {Chem.MolToSmiles(Chem.RemoveHs(mol)): mol for mol in mols}


@pytest.mark.parametrize("smiles", INSIDE_OUT_CAGES)
def test_a_cage_that_rdkit_misreads_passes_and_its_mirror_image_is_turned(minima, smiles):
    """Of a carbon outside its four neighbours the signed volume knows the hand, three bonds do not."""
    mol = minima[smiles]
    blank = Chem.Mol(mol)
    blank.RemoveAllConformers()
    prepared = prepare(blank)
    check = StereoCheck(prepared.mol, prepared.graph)
    x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
    assert check.misread(x[0])  # RDKit reads another hand
    assert check.correct(x).right.all()
    mirrored = check.correct(x * np.array([1, 1, -1]))
    assert mirrored.right.all()
    assert mirrored.reflected.all()
    assert len(check.misread_atoms) == 1


def test_the_result_of_such_a_cage_says_what_rdkit_reads(generator):
    result = generator.generate(INSIDE_OUT_CAGES[0], 2, seed=1)
    assert result.num_conformers
    assert "atom 6 lies outside its four neighbours" in result.reason


def test_what_distance_geometry_builds_no_isomer_of_is_not_called_impossible(generator):
    """Distance geometry does not build bicyclobutane, and the weights have its middle bond wrong."""
    result = generator.generate("C1[C@H]2C[C@@H]12", 2, seed=1, max_attempts=1)
    assert "not possible" not in result.reason
