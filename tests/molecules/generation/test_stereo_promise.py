"""No conformer of another stereo than was asked for is ever returned, whatever the network draws."""

import pytest
from fake_generators import embedded, knowing, scrambling
from rdkit import Chem

from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.perception.stereo import StereoCheck

SEVERAL_CENTRES = [
    "C[C@H](O)[C@@H](F)C=O",
    "C[C@H](O)[C@@H](F)[C@H](N)C#N",
    "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O",
    "N[C@@H]([C@@H](C)O)C(=O)O",
]
MESO = ["C[C@H](O)[C@@H](C)O", "O[C@@H]([C@@H](O)C=O)C=O", "C[C@H]1CCCC[C@@H]1C", "F[C@H]1C[C@@H]1F"]
PSEUDO_ASYMMETRIC = ["C[C@H](F)[C@H](O)[C@@H](C)F", "C[C@H](F)[C@@H](O)[C@@H](C)F"]
RINGS = [
    "C[C@H]1CC[C@@H](C)CC1",
    "C[C@H]1CC[C@H](C)CC1",
    "C[C@H]1CC[C@@]2(CC1)CO2",
    "O=C1CC[C@]2(O1)CC[C@@H](F)C2",
    "O[C@H]1C[C@@H]2CC[C@H]1C2",
    "CC1(C)[C@@H]2CC[C@@]1(C)C(=O)C2",
    "C[C@H]1[C@@H](C)[C@H]1F",
    "C[C@@H]1N[C@H]1F",
    "O[C@H]1C[C@@H](F)C1",
]
DOUBLE_BONDS = [
    "C/C=C/C=C\\C",
    "C/C=C\\C=C/F",
    "C/C=C(/F)C(/C)=C/O",
    "C/C=N/O",
    "C/C=N/N=C/C",
    "C1CCC/C=C\\CC1",
    "F/C=C/[C@H](O)/C=C\\F",
]
ALL = SEVERAL_CENTRES + MESO + PSEUDO_ASYMMETRIC + RINGS + DOUBLE_BONDS


@pytest.mark.parametrize("smiles", ALL)
def test_every_mark_is_demanded(smiles):
    prepared = prepare(smiles)
    check = StereoCheck(prepared.mol, prepared.graph)
    double = sum(bond.GetStereo() != Chem.BondStereo.STEREONONE for bond in prepared.mol.GetBonds())
    assert len(check.centres) + len(check._double_bonds) == smiles.replace("@@", "@").count("@") + double
    assert prepared.caution == ""


def test_whatever_the_network_draws_what_is_returned_is_as_asked():
    generator, possible = scrambling(*ALL)
    assert len(possible) > 0.9 * len(ALL)
    returned = rejected = reflected = 0
    for result in generator.generate_many(possible, 6, num_steps=1, max_attempts=4):
        asked = Chem.CanonSmiles(result.smiles)
        assert set(result.isomeric_smiles()) <= {asked}, result.smiles
        assert result.num_rejected.keys() <= {"stereo", "clash", "bond_length"}
        returned += result.num_conformers
        rejected += result.num_rejected.get("stereo", 0)
        reflected += result.num_reflected
    assert min(returned, rejected, reflected) > len(possible)


def test_the_promise_holds_for_molecules_of_qm9(qm9_rows):
    smiles = [qm9_rows.dataset.smiles(i) for i in range(len(qm9_rows))]
    smiles = [s for s in smiles if "/" in s or 1 <= s.replace("@@", "@").count("@") <= 4][:10]
    generator, possible = scrambling(*smiles, max_isomers=3)
    num = 0
    for result in generator.generate_many(possible, 4, num_steps=1, max_attempts=3):
        assert set(result.isomeric_smiles()) <= {Chem.CanonSmiles(result.smiles)}, result.smiles
        num += result.num_conformers
    assert num > 0


def test_meso_form_is_its_own_mirror_image_and_is_never_taken_for_the_chiral_one():
    """A mirror image of a meso form has all its tags wrong; reflecting it changes nothing that a chemist could see."""
    meso, chiral = "C[C@H](O)[C@@H](C)O", "C[C@@H](O)[C@@H](C)O"
    assert Chem.CanonSmiles(meso) == Chem.CanonSmiles("C[C@@H](O)[C@H](C)O")
    check = StereoCheck(prepare(meso).mol, prepare(meso).graph)
    verdicts = {
        smiles: check.correct(embedded(smiles).GetConformer().GetPositions()[None])
        for smiles in (meso, "C[C@@H](O)[C@H](C)O", chiral, "C[C@H](O)[C@H](C)O")
    }
    assert [bool(v.right[0]) for v in verdicts.values()] == [True, True, False, False]


@pytest.mark.parametrize("smiles", ["CC=[C@]=CC", "C1CC/C=C/C1", "C[C@H](C)O", "[H]/C=C/F"])
def test_marks_that_mean_nothing_to_rdkit_are_left_open_and_said(smiles):
    assert "1 stereo mark of the SMILES left open" in prepare(smiles).caution
    result = knowing("C[C@H](C)O").generate("C[C@H](C)O", 1, num_steps=2)
    assert result.status == "ok"
    assert "left open" in result.reason


def test_a_double_bond_that_ends_in_two_hydrogens_has_no_hand_to_miss():
    smiles = "[H]/C=C/F"
    assert knowing(smiles).generate(smiles, 4, num_steps=2, max_attempts=1).status == "ok"
    deuterated = prepare("[2H]/C([H])=C/F").mol
    marks = {bond.GetStereo() for bond in deuterated.GetBonds()}
    assert marks & {Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOZ}  # two isotopes are two substituents


def test_unspecified_centres_are_left_to_each_sample():
    generator, possible = scrambling("CC(O)[C@H](F)C=O")
    (result,) = generator.generate_many(possible, 12, num_steps=1, max_attempts=6)
    found = set(result.isomeric_smiles())
    assert found == {Chem.CanonSmiles(s) for s in ("C[C@H](O)[C@H](F)C=O", "C[C@@H](O)[C@H](F)C=O")}


@pytest.mark.parametrize("smiles", ["[C@H]12C[C@@H]1CC2", "[C@H]12O[C@@H]1CC2"])
def test_isomers_that_rdkit_reads_otherwise_are_not_handed_out(smiles):
    """Carbons with all bonds on one side, which RDKit reads by whichever three bonds come first."""
    generator = ConformerGenerator.from_pretrained("qm9", device="cpu")
    result = generator.generate(smiles, num_conformers=2, seed=1, max_attempts=2)
    assert result.status == "failed"
    assert "not possible as a strain-free structure" in result.reason
