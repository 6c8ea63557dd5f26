import numpy as np
from places import DATA
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.conformers import with_conformers
from molediff.molecules.generation.known import KnownMinimum
from molediff.molecules.perception.known_minima import key_of, known_minima


def water(bond, degrees):
    half = np.radians(degrees) / 2
    return bond * np.array([[0, 0, 0], [np.sin(half), np.cos(half), 0], [-np.sin(half), np.cos(half), 0]])


def test_bonds_pass_within_003_angstrom_and_angles_within_4_degrees():
    mol = Chem.AddHs(Chem.MolFromSmiles("O"))
    minima = known_minima(mol)
    bond, degrees = minima[0][0, 0], minima[1][0, 0]
    tried = [(0, 0), (0.029, 0), (-0.029, 3.9), (0.031, 0), (-0.031, 0), (0, 4.1), (0, -4.1)]
    x = np.stack([water(bond + longer, degrees + wider) for longer, wider in tried])
    assert KnownMinimum(mol, minima).passes(x).tolist() == [True] * 3 + [False] * 4


def test_what_lies_a_little_beside_is_moved_and_nothing_else():
    """Half the tolerance beside the minimum is where it ends; what is far off is no sample of it."""
    mol = Chem.AddHs(Chem.MolFromSmiles("O"))
    minima = known_minima(mol)
    bond, degrees = minima[0][0, 0], minima[1][0, 0]
    x = np.stack(
        [water(bond + longer, degrees + wider) for longer, wider in [(0.02, 3), (0.05, 0), (0, 9), (0.09, 0)]]
    )
    held = KnownMinimum(mol, minima)
    moved, which = held.mended(x)
    assert which.tolist() == [False, True, True, False]
    assert held.passes(moved).tolist() == [True, True, True, False]
    np.testing.assert_array_equal(moved[[0, 3]], x[[0, 3]])
    values = held._terms.canonical(moved[1:3])
    np.testing.assert_allclose(values[0][0], bond + 0.015, atol=1e-3)
    np.testing.assert_allclose(values[1][1], degrees + 2, atol=0.1)
    np.testing.assert_allclose(moved.mean(1), x.mean(1), atol=1e-9)


def test_torsions_stay_where_they_are():
    mol = Chem.AddHs(Chem.MolFromSmiles("OO"))
    minima = known_minima(mol)
    mol_of_minimum = next(
        known
        for known in read_references(str(DATA / "known_molecules.sdf.gz"))
        if key_of(known) == key_of(mol)
    )
    x = np.array(mol_of_minimum.GetConformer().GetPositions())[None]
    held = KnownMinimum(mol_of_minimum, minima)
    (i, j) = next(
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        for bond in mol_of_minimum.GetBonds()
        if bond.GetBeginAtom().GetAtomicNum() == bond.GetEndAtom().GetAtomicNum() == 8
    )
    ends = [
        next(a.GetIdx() for a in mol_of_minimum.GetAtomWithIdx(k).GetNeighbors() if a.GetIdx() not in (i, j))
        for k in (i, j)
    ]
    longer = x.copy()
    longer[:, [j, ends[1]]] += 0.05 * (x[:, [j]] - x[:, [i]]) / np.linalg.norm(x[:, j] - x[:, i])
    moved, which = held.mended(longer)
    assert which.all()
    assert held.passes(moved).all()
    dihedral = [
        rdMolTransforms.GetDihedralDeg(
            with_conformers(mol_of_minimum, [one]).GetConformer(), ends[0], i, j, ends[1]
        )
        for one in (x[0], moved[0])
    ]
    assert abs(dihedral[0] - dihedral[1]) < 3
