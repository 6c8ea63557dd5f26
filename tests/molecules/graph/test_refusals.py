"""Inputs that no weights can take fail with what to do about them; of a salt the molecule may be taken alone."""

import numpy as np
import pytest
from fake_generators import embedded, knowing
from rdkit import Chem

from molediff.molecules.auto import AutoGenerator
from molediff.molecules.errors import UnusableInputError
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.graph.vocabulary import ORGANIC, QM9
from molediff.molecules.perception.domain import Domain

LACTATE = "C[C@H](O)C(=O)[O-]"


def block(smiles):
    return Chem.MolToMolBlock(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize(
    ("given", "said", "remedy"),
    [
        ("C" * 60, "182 atoms with hydrogens, more than max_atoms=160", "give a part of it"),
        ("C" * 200, "At least 200 atoms", "give a part of it"),
        ("Cl[Pt](Cl)(N)N", "not Pt", "metals are known to no weights"),
        ("C[Hg]C", "not Hg", "metals are known to no weights"),
        ("C[As](C)C", "not As", "no weights know more elements"),
        ("C[Te]C", "not Te", "no weights know more elements"),
        ("*CC(=O)O*", "Wildcards (*) at atom 0, 5", "put an atom or a group there"),
        (block("*CC |$_R1;;$|"), "Wildcards (*) at atom 0", "put an atom or a group there"),
        ("CCO |Sg:n:0,1,2:n:ht|", "marked as a polymer", "give one oligomer"),
        (f"{LACTATE}.[Na+]", "2 separate fragments", "largest_fragment=True"),
        ("CCO.O.O", "3 separate fragments", "largest_fragment=True"),
        ("[Na+].[Cl-]", "2 separate fragments", "give one molecule at a time"),
        (
            "[O-]Cl(=O)(=O)=O",
            "Atom 1, Cl, has the charge +3, with single bonds to its 4 oxygens",
            "Leave out",
        ),
        ("C[CH2]", "Unpaired electrons", "closed-shell"),
        ("CN1C=CN(C)[C]1", "A carbene (atom 6)", "or its salt"),
    ],
)
def test_what_is_wrong_and_what_to_do(given, said, remedy):
    with pytest.raises(UnusableInputError) as error:
        prepare(given, 160, ORGANIC)
    assert said in str(error.value)
    assert remedy in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("vocabulary", [QM9, ORGANIC])
def test_no_weights_are_named_for_what_none_take(vocabulary):
    with pytest.raises(UnusableInputError, match="no weights know charges beyond -2 to"):
        prepare("[O-]Cl(=O)(=O)=O", 160, vocabulary)


@pytest.mark.parametrize("given", ["CCCl", "C" * 25])
def test_narrow_weights_name_those_that_take_more(given):
    """Ethyl chloride, and 77 atoms."""
    with pytest.raises(UnusableInputError, match="the weights 'auto'"):
        prepare(given)


# The largest fragment


@pytest.mark.parametrize("salt", [f"{LACTATE}.[Na+]", f"[Na+].{LACTATE}", f"O.{LACTATE}.O.[Na+]"])
def test_of_a_salt_the_molecule_is_taken_with_its_stereo_and_charge(salt):
    alone, taken = prepare(LACTATE), prepare(salt, only_largest=True)
    assert (taken.key, taken.smiles) == (alone.key, Chem.CanonSmiles(alone.smiles))
    assert Chem.MolToSmiles(taken.mol) == Chem.MolToSmiles(alone.mol)
    assert taken.caution.startswith("the largest fragment alone, without ")
    assert "[Na+]" in taken.caution
    assert ("2 O" in taken.caution) == ("O." in salt)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CCO.CCC", "CCO"),
        ("C[N+](C)(C)C.[O-]Cl(=O)(=O)=O", "C[N+](C)(C)C"),
        ("CCC.CCO", "CCO"),
        ("C/C=C/F.O", "C/C=C/F"),
        ("N[C@@H](C)C(=O)O.CC", "N[C@@H](C)C(=O)O"),
    ],
)
def test_most_heavy_atoms_then_carbon_then_mass_decide(smiles, expected):
    taken = Chem.RemoveHs(prepare(smiles, only_largest=True).mol)
    assert Chem.MolToSmiles(taken) == Chem.CanonSmiles(expected)


def test_a_molecule_by_itself_is_left_as_it_is():
    taken, usual = prepare("C[C@H](O)C(N)=O", only_largest=True), prepare("C[C@H](O)C(N)=O")
    assert taken.key == usual.key
    assert taken.caution == ""


def test_lost_stereo_of_a_salt_is_still_said():
    caution = prepare("CC=[C@]=CC.O", only_largest=True).caution
    assert caution.startswith("the largest fragment alone, without O; ")
    assert "1 stereo mark of the SMILES left open" in caution


def test_the_conformers_of_a_mol_go_with_its_fragment():
    mol = Chem.CombineMols(Chem.MolFromSmiles("[Na+]"), embedded("CC(=O)[O-]"))
    x = np.random.default_rng(1).normal(size=(mol.GetNumAtoms(), 3))
    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(x)
    mol.AddConformer(conformer)
    np.testing.assert_array_equal(prepare(mol, only_largest=True).conformers, x[None, 1:])


def test_the_fragment_not_the_input_must_be_small_enough():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO." + ".".join(["O"] * 20)))
    assert mol.GetNumAtoms() > 64
    assert prepare(mol, only_largest=True).num_atoms == 9


def test_a_metal_is_no_molecule_even_if_it_is_the_largest():
    with pytest.raises(UnusableInputError, match="not Cl"):
        prepare("[Na+].[Cl-]", only_largest=True)


def test_a_generator_takes_the_fragment_only_if_asked():
    generator = knowing("CCO", weights="narrow")
    generator.domain = Domain.of([embedded("CCO")])
    for drawing in (generator, AutoGenerator(generator, knowing("CCO", weights="general"))):
        refused, taken, alone = (
            *drawing.generate_many(["CCO.Cl"], 2),
            *drawing.generate_many(["CCO.Cl", "CCO"], 2, largest_fragment=True),
        )
        assert refused.status == "failed"
        assert "largest_fragment=True" in refused.reason
        assert (taken.status, taken.smiles) == ("ok", "CCO")
        assert taken.reason == "the largest fragment alone, without Cl"
        np.testing.assert_array_equal(taken.ensemble.coordinates, alone.ensemble.coordinates)


def test_bad_input_stops_nothing():
    """Of the shipped weights, each kind between two molecules."""
    bad = [
        "C" * 60,
        "Cl[Pt](Cl)(N)N",
        "*CC*",
        f"{LACTATE}.[Na+]",
        "C[As](C)C",
        "[CH3]",
        "not a molecule",
        None,
    ]
    inputs = ["CCO", *bad, "CC(C)Br"]
    results = list(ConformerGenerator.from_pretrained(device="cpu").generate_many(inputs, 1))
    assert [result.status for result in results] == ["ok", *["failed"] * len(bad), "ok"]
    assert all(result.reason for result in results[1:-1])
