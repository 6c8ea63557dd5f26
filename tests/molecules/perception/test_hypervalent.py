from itertools import islice

import pytest
from rdkit import Chem

from molediff.molecules.data.minima import Minima, mols_of
from molediff.molecules.generation.checks import Coordination
from molediff.molecules.perception.hypervalent import hypervalent
from tests.places import DATA


@pytest.mark.parametrize(
    ("smiles", "symbol", "num_neighbours", "num_opposite"),
    [
        ("I[I-]I", "I", 2, 1),
        ("ClI(Cl)c1ccccc1", "I", 3, 1),
        ("CC(=O)OI(OC(C)=O)c1ccccc1", "I", 3, 1),
        ("FS(F)(F)F", "S", 4, 1),
        ("FP(F)(F)(F)F", "P", 5, 1),
        ("F[Si-](F)(F)(F)F", "Si", 5, 1),
        ("F[P-](F)(F)(F)(F)F", "P", 6, 3),
        ("FS(F)(F)(F)(F)c1ccccc1", "S", 6, 3),
        ("CC(=O)OI1(OC(C)=O)(OC(C)=O)OC(=O)c2ccccc12", "I", 5, 2),
        ("Cl[I-](Cl)(Cl)Cl", "I", 4, 2),
    ],
)
def test_pairs_of_electrons_say_how_many_neighbours_lie_in_a_line(
    smiles, symbol, num_neighbours, num_opposite
):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    (found,) = hypervalent(mol)
    assert mol.GetAtomWithIdx(found.atom).GetSymbol() == symbol
    assert (len(found.neighbours), found.num_opposite) == (num_neighbours, num_opposite)
    assert len(found.opposite()) == num_opposite


@pytest.mark.parametrize(
    "smiles",
    [
        "CS(C)=O",
        "CS(C)(=O)=O",
        "OP(O)(O)=O",
        "c1ccsc1",
        "C[Si](C)(C)C",
        "Ic1ccccc1",
        "O=I(=O)c1ccccc1",
        "CCl",
    ],
)
def test_octets_are_not_among_them(smiles):
    assert hypervalent(Chem.AddHs(Chem.MolFromSmiles(smiles))) == []


def test_the_more_electronegative_lie_opposite_each_other():
    mol = Chem.AddHs(Chem.MolFromSmiles("CI(F)F"))
    (found,) = hypervalent(mol)
    assert {mol.GetAtomWithIdx(i).GetSymbol() for i in found.opposite()[0]} == {"F"}


def test_minima_have_them_so():
    minima = [mol for mol in islice(mols_of(Minima.read(DATA / "rare_minima.npz")), 700) if hypervalent(mol)]
    passed = [Coordination(mol).passes(mol.GetConformer().GetPositions()[None])[0] for mol in minima]
    assert len(passed) > 50
    assert sum(passed) >= len(passed) - 2  # an iodine trichloride and an iodosyl that AIMNet2 has otherwise
