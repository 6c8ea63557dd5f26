"""Geometries that were once handed out as right: the checks reject each kind, and pass the minimum beside it."""

import numpy as np
import pytest
from places import DATA
from rdkit import Chem

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.generation.check import sieve
from molediff.molecules.generation.checks import standard_checks


@pytest.fixture(scope="module")
def minima():
    """GFN2-xTB minima by canonical SMILES."""
    mols = read_references(DATA / "known_molecules.sdf.gz")
    return {Chem.MolToSmiles(Chem.RemoveHs(mol)): mol for mol in mols}


def minimum(minima, smiles):
    """The molecule with its atoms in the order of `Chem.AddHs(Chem.MolFromSmiles(smiles))`, and its lowest minimum."""
    known = minima[Chem.CanonSmiles(smiles)]
    order = known.GetSubstructMatch(Chem.AddHs(Chem.MolFromSmiles(smiles)))
    mol = Chem.RenumberAtoms(known, list(order))
    return mol, np.array(mol.GetConformer().GetPositions())


def stretched(mol, x, i, j, length):
    """Atom j and all behind it moved along the bond i-j, which is then `length` long (Angstrom)."""
    axis = x[j] - x[i]
    moved = x.copy()
    moved[behind(mol, i, j)] += axis * (length / np.linalg.norm(axis) - 1)
    return moved


def bent(mol, x, i, j, k, degrees):
    """Atom k and all behind it turned about j until the angle i-j-k has so many degrees."""
    a, c = x[i] - x[j], x[k] - x[j]
    now = np.arccos(a @ c / np.linalg.norm(a) / np.linalg.norm(c))
    normal = np.cross(a, c)
    if np.linalg.norm(normal) < 1e-3:
        normal = np.cross(a, [0.3, 0.5, 0.8])
    return rotated(mol, x, j, k, normal, np.radians(degrees) - now)


def turned(mol, x, i, j, degrees):
    """Atom j and all behind it turned about the axis i-j by so many degrees."""
    return rotated(mol, x, i, j, x[j] - x[i], np.radians(degrees), about=j)


def rotated(mol, x, i, j, axis, angle, about=None):
    """The atoms on j's side of the bond i-j rotated about an axis through i, or through `about`."""
    axis = axis / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis)
    rotation = np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    moved, atoms, centre = x.copy(), behind(mol, i, j), x[i if about is None else about]
    moved[atoms] = (x[atoms] - centre) @ rotation.T + centre
    return moved


def behind(mol, i, j):
    """Atom j and what hangs on it, away from i."""
    found, waiting = {j}, [j]
    while waiting:
        here = waiting.pop()
        for atom in mol.GetAtomWithIdx(here).GetNeighbors():
            k = atom.GetIdx()
            if k not in found and not (here == j and k == i):
                found.add(k)
                waiting.append(k)
    assert i not in found
    return sorted(found)


def first_failed(mol, x):
    _, failed = sieve(standard_checks(mol), x[None])
    return next((name for name, count in failed.items() if count), None)


def test_every_known_minimum_passes(minima):
    """A table that rejected what exists would be no table."""
    wrong = {}
    for smiles, mol in minima.items():
        x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
        good, failed = sieve(standard_checks(mol), x)
        if not good.all():
            wrong[smiles] = failed
    assert wrong == {}


@pytest.mark.parametrize(
    ("smiles", "i", "j", "length"),
    [
        ("OO", 0, 1, 1.06),
        ("OO", 0, 1, 1.65),
        ("[H]/N=N/[H]", 1, 2, 1.05),
        ("C#N", 0, 1, 1.07),
        ("C#N", 0, 1, 1.10),
        ("CC#N", 1, 2, 1.10),
        ("CC#C", 1, 2, 1.28),
        ("NN", 0, 1, 1.29),
        ("CO", 0, 2, 1.37),
        ("C=O", 0, 2, 1.35),
        ("C[N+](=O)[O-]", 1, 2, 0.96),
        ("O=C=O", 1, 0, 1.40),
        ("COO", 1, 2, 1.25),
        ("NF", 0, 1, 1.20),
        ("C[N+]#[C-]", 1, 2, 1.40),
        ("C=[N+]=[N-]", 1, 2, 1.35),
    ],
)
def test_impossible_bonds_are_rejected(minima, smiles, i, j, length):
    mol, x = minimum(minima, smiles)
    assert mol.GetBondBetweenAtoms(i, j), [atom.GetSymbol() for atom in mol.GetAtoms()]
    assert first_failed(mol, stretched(mol, x, i, j, length)) == "bond_length"


@pytest.mark.parametrize(
    ("smiles", "i", "j", "k", "degrees"),
    [
        ("OO", 1, 0, 2, 170),
        ("O", 1, 0, 2, 150),
        ("C#N", 1, 0, 2, 140),
        ("C=O", 1, 0, 2, 160),
        ("C=C", 1, 0, 2, 85),
        ("CO", 1, 0, 2, 75),
        ("O=C=O", 0, 1, 2, 130),
        ("CC#N", 0, 1, 2, 140),
    ],
)
def test_impossible_angles_are_rejected(minima, smiles, i, j, k, degrees):
    mol, x = minimum(minima, smiles)
    assert first_failed(mol, bent(mol, x, i, j, k, degrees)) == "angle"


@pytest.mark.parametrize(
    ("smiles", "i", "j", "degrees"),
    [
        ("[H]/N=N/[H]", 1, 2, 60),
        ("C/N=N/C", 1, 2, 60),
        ("C=C", 0, 1, 50),
        ("C/C=C/C", 1, 2, 50),
        ("C/C=N/C", 1, 2, 60),
        ("NC=O", 1, 0, 75),
        ("CNC=O", 2, 1, 75),
        ("CC(N)=O", 1, 2, 75),
        ("COC=O", 2, 1, 80),
    ],
)
def test_twisted_double_bonds_and_amides_are_rejected(minima, smiles, i, j, degrees):
    mol, x = minimum(minima, smiles)
    assert first_failed(mol, turned(mol, x, i, j, degrees)) in ("twist", "clash")


@pytest.mark.parametrize(("smiles", "degrees"), [("C=C=C", 60), ("FC=C=CF", 60), ("C=C=C=C", 50)])
def test_twisted_cumulenes_are_rejected(minima, smiles, degrees):
    mol, x = minimum(minima, smiles)
    ends = mol.GetSubstructMatch(Chem.MolFromSmarts("[CX3]=C"))
    assert first_failed(mol, turned(mol, x, ends[1], ends[0], degrees)) == "cumulene"


def test_flat_and_inside_out_carbons_are_rejected(minima):
    mol, x = minimum(minima, "C")
    carbon = next(atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 6)
    hydrogens = [i for i in range(5) if i != carbon]
    x = x - x[carbon]
    mirrored = x.copy()
    normal = x[hydrogens[0]] / np.linalg.norm(x[hydrogens[0]])
    mirrored[hydrogens[0]] = -x[hydrogens[0]]  # all four hydrogens on one side of the carbon
    assert abs(np.linalg.norm(mirrored[hydrogens[0]]) - np.linalg.norm(x[hydrogens[0]])) < 1e-9
    assert first_failed(mol, mirrored) in ("angle", "enclosure")
    assert normal @ normal == pytest.approx(1)


def test_pyramidal_carbonyls_are_rejected(minima):
    mol, x = minimum(minima, "CC(C)=O")
    oxygen, carbon = mol.GetSubstructMatch(Chem.MolFromSmarts("[OX1]=C"))
    a, b = (n.GetIdx() for n in mol.GetAtomWithIdx(carbon).GetNeighbors() if n.GetIdx() != oxygen)
    normal = np.cross(x[a] - x[carbon], x[b] - x[carbon])
    length = np.linalg.norm(x[oxygen] - x[carbon])
    direction = x[oxygen] - x[carbon] + 0.9 * normal / np.linalg.norm(normal)
    x[oxygen] = x[carbon] + length * direction / np.linalg.norm(direction)
    assert first_failed(mol, x) in ("angle", "planarity")


def test_atoms_on_top_of_each_other_are_rejected(minima):
    mol, x = minimum(minima, "CCCC")
    assert first_failed(mol, turned(mol, x, 1, 2, 0)) is None
    mol, x = minimum(minima, "OCC(O)CO")
    far = x.copy()
    hydrogens = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1]
    far[hydrogens[0]] = far[hydrogens[-1]] + 0.5
    assert first_failed(mol, far) is not None
