import numpy as np
from rdkit import Chem

from molediff.molecules.generation.known import KnownMinimum
from molediff.molecules.perception.known_minima import known_minima


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
