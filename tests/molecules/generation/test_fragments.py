"""Rings cut out of a molecule: what comes along, and that stereo and geometry stay those of the molecule."""

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.generation.fragments import bent_rings, fragments
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.pieces import Pieces
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors

PIPERAZINE = "CS(=O)(=O)N1CCN(C(=O)COc2ccc3ccccc3c2)CC1"


def pieces_of(mol: Chem.Mol) -> Pieces:
    rotors = Rotors.of(mol)
    return Pieces(rotors.subset(rotors.kind == BETWEEN_HEAVY))


def cut(smiles: str):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return mol, fragments(mol, pieces_of(mol))


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        (PIPERAZINE, ["O=CN1CCN([SH](=O)=O)CC1"]),  # double bonds of what it hangs on come along
        ("OCCN1CCN(c2cccc(Cl)c2)CC1", ["CN1CCN(c2ccccc2)CC1"]),  # whole rings too
        ("C1CCCCC1CC1CCCC1", ["CC1CCCCC1", "CC1CCCC1"]),
        ("c1ccccc1CCO", []),
        ("C1CC1CCO", []),  # cannot bend
        ("C1CCCCCCCCCCC1CCO", []),  # a macrocycle is embedded whole
        ("C1CCC2(CC1)OCC(CO)O2", ["CC1COC2(CCCCC2)O1"]),
    ],
)
def test_rings_that_bend_are_cut_out_with_what_they_hang_on(smiles: str, expected: list[str]):
    _, found = cut(smiles)
    assert sorted(Chem.MolToSmiles(Chem.RemoveHs(one.mol)) for one in found) == sorted(
        map(Chem.CanonSmiles, expected)
    )


def test_atoms_of_a_fragment_are_those_of_the_molecule_but_for_hydrogens_at_its_ends():
    mol, [fragment] = cut(PIPERAZINE)
    same = [
        mol.GetAtomWithIdx(int(place)).GetAtomicNum() == atom.GetAtomicNum()
        for place, atom in zip(fragment.atoms, fragment.mol.GetAtoms(), strict=True)
    ]
    assert same.count(False) == 2  # the methyl carbon on sulfur, and CH2 beside the carbonyl
    inside = np.flatnonzero(pieces_of(mol).of_atom == fragment.piece)
    assert set(inside) <= set(fragment.atoms.tolist())


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(C)C[C@@H]1CN(C(=O)C)C[C@H]1O",
        "O=C(NC[C@H]1CC[C@@H]2CCCC[C@H]2O1)c1ccccc1",
        "C[C@@H]1CN(CCc2ccccc2)c2nc3c(c(=O)n(CC(N)=O)c(=O)n3C)n2C1",
        "CC(=O)O[C@H]1C[C@@H]2CC[C@H](C1)N2C",
        "C/C=C1/CC[C@H](OC)CC1",
    ],
)
def test_conformations_of_fragments_have_the_stereo_of_the_molecule(smiles: str):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    pieces, embedding = pieces_of(mol), Embedding(prepare(Chem.MolFromSmiles(smiles), 200, ORGANIC), seed=3)
    base = embedding.embed_heavy(1, 7)
    found = fragments(mol, pieces)
    assert found
    for fragment in found:
        own = np.full((6, mol.GetNumAtoms(), 3), np.nan)
        own[:, fragment.atoms] = embedding.embed_fragment(fragment.mol, 6, 11)
        choice = np.zeros((6, len(pieces)), dtype=np.int64)
        choice[:, fragment.piece] = 1 + np.arange(6)
        for x in pieces.combined(np.concatenate([base, own]), choice):
            assert np.isfinite(x).all()
            conformer = Chem.Conformer(mol.GetNumAtoms())
            conformer.SetPositions(x)
            one = Chem.Mol(mol)
            one.AddConformer(conformer)
            Chem.AssignStereochemistryFrom3D(one)
            assert Chem.MolToSmiles(Chem.RemoveHs(one)) == Chem.CanonSmiles(smiles)


def test_rings_that_pucker():
    sizes = {
        smiles: [len(ring) for ring in bent_rings(Chem.MolFromSmiles(smiles))]
        for smiles in ("C1CCCCC1", "c1ccccc1", "C1=CCC=CC1", "C1CCC1", "C1CCc2ccccc21")
    }
    assert sizes == {
        "C1CCCCC1": [6], "c1ccccc1": [], "C1=CCC=CC1": [6], "C1CCC1": [], "C1CCc2ccccc21": [5],
    }  # fmt: skip
