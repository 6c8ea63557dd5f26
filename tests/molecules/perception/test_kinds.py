import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.perception.kinds import Kinds


def kinds(smiles):
    return Kinds(Chem.AddHs(Chem.MolFromSmiles(smiles)))


@pytest.mark.parametrize(
    "smiles", ["CC(=O)NC", "C1=CC2CC2N1", "FC=C=CF", "C[N+](=O)[O-]", "c1ccoc1", "BrC1CC1"]
)
def test_names_follow_a_renumbering(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    order = np.random.default_rng(1).permutation(mol.GetNumAtoms()).tolist()
    one, other = Kinds(mol), Kinds(Chem.RenumberAtoms(mol, order))
    for terms in ("lengths", "angles", "twists", "cumulenes"):
        assert sorted(getattr(one, terms)().names) == sorted(getattr(other, terms)().names)
    assert sorted(one.centres(4).names) == sorted(other.centres(4).names)


def test_bonds_of_unlike_surroundings_have_unlike_names():
    single, double = (names[0] for names in kinds("O=CO").lengths().names[:2])
    assert single != double
    names = {kinds(smiles).lengths().names[0][0] for smiles in ("C1CC1", "CC", "C1CCC1", "C=C", "C#C")}
    assert len(names) == 5


def test_angles_beside_a_linear_atom_tell_what_lies_beyond():
    names = {
        levels[0]
        for smiles in ("CN=C=O", "CN=C=S", "CN=C=NC", "CN=C=C")
        for levels in kinds(smiles).angles().names
        if levels[0].startswith("N2d")
    }
    assert len(names) == 4


def test_coarser_names_are_shared_by_more():
    ring, chain = kinds("C1CC1").lengths().names[0], kinds("CCC").lengths().names[0]
    assert ring[0] != chain[0]
    assert ring[-1] == chain[-1] == "1|C|C"


def test_amides_and_double_bonds_turn_and_alkanes_do_not():
    assert len(kinds("CC(=O)NC").twists().names) == 1
    assert len(kinds("CC=CC").twists().names) == 1
    assert len(kinds("CCCC").twists().names) == 0
    assert len(kinds("OO").twists().names) == 1


@pytest.mark.parametrize(("smiles", "length"), [("C=C=C", 2), ("C=C=C=C", 3), ("CN=C=NC", 2)])
def test_ends_of_cumulenes_are_found_once(smiles, length):
    (names,) = kinds(smiles).cumulenes().names
    assert names[-1] == str(length)


@pytest.mark.parametrize("smiles", ["O=C=O", "C=C=O", "N#N"])
def test_chains_without_two_planes_are_none(smiles):
    assert len(kinds(smiles).cumulenes().names) == 0


def test_double_bonds_of_sulfur_lie_at_an_angle():
    assert len(kinds("CN=S=NC").cumulenes().names) == 0


def test_double_bonds_of_sulfur_turn():
    assert len(kinds("CN=S=O").twists().names) == 1
    assert len(kinds("CN=S=NC").twists().names) == 2
