"""What counts as familiar: surroundings of atoms and skeletons of rings, not whole molecules."""

import pytest
from rdkit import Chem

from molediff.molecules.whole.familiar import Familiar, texts_of


def mols(*smiles):
    return [Chem.MolFromSmiles(text) for text in smiles]


def test_a_molecule_that_is_put_together_of_what_occurs_is_familiar():
    seen = Familiar.of(mols("CCCO", "CCCCC"))
    assert seen.lacks(*mols("CCCCCO")) == []
    assert seen.lacks(*mols("CCOC")) != []


def test_an_enamine_is_unlike_amines_and_alkenes():
    seen = Familiar.of(mols("C=CC", "CCN", "C=CCN"))
    lacks = seen.lacks(*mols("C=CN"))
    assert len(lacks) == 1
    assert lacks[0].startswith("C+0H1")


def test_the_size_of_a_ring_and_how_rings_are_joined_count():
    assert Familiar.of(mols("C1CCCC1")).lacks(*mols("C1CCC1")) != []
    apart, fused = mols("C1CCC1C1CCC1", "C1CC2CCC12")
    skeletons = [[text for text in texts_of(mol) if ":" not in text] for mol in (apart, fused)]
    assert len(skeletons[0]) == 2
    assert skeletons[0][0] == skeletons[0][1]
    assert len(skeletons[1]) == 1
    assert skeletons[1][0] != skeletons[0][0]


def test_elements_of_a_ring_are_no_part_of_its_skeleton():
    furan, hexane = mols("c1ccoc1", "C1CCCC1")
    of_rings = [[text for text in texts_of(mol) if ":" not in text] for mol in (furan, hexane)]
    assert of_rings[0] == of_rings[1]


@pytest.mark.parametrize("smiles", ["OC1CC2CC12", "Cc1ccc[nH]1", "C[N+](C)(C)CC(=O)[O-]"])
def test_the_numbering_of_the_atoms_and_hydrogens_do_not_matter(smiles):
    mol = Chem.MolFromSmiles(smiles)
    order = list(reversed(range(mol.GetNumAtoms())))
    assert sorted(texts_of(mol)) == sorted(texts_of(Chem.RenumberAtoms(mol, order)))


def test_what_is_written_is_read_again():
    seen = Familiar.of(mols("CCO", "C1CC1", "N#Cc1ccco1"))
    assert Familiar.from_text(seen.to_text()) == seen
