"""Molecules with known geometry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Mol, rdDistGeom


@pytest.fixture
def embed() -> Callable[..., Mol]:
    """SMILES -> Mol with explicit hydrogens and ETKDG conformers."""

    def make(smiles: str, num_conformers: int = 1, seed: int = 7) -> Mol:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert len(rdDistGeom.EmbedMultipleConfs(mol, num_conformers, randomSeed=seed)) == num_conformers
        return mol

    return make


@pytest.fixture
def place() -> Callable[..., Mol]:
    """SMILES and coordinates -> Mol without further hydrogens; (atoms, 3) or (conformers, atoms, 3), in Angstrom."""

    def make(smiles: str, coordinates: object) -> Mol:
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
        Chem.SanitizeMol(mol)
        for positions in np.array(coordinates, dtype=float).reshape(-1, mol.GetNumAtoms(), 3):
            conformer = Chem.Conformer(mol.GetNumAtoms())
            conformer.SetPositions(positions)
            mol.AddConformer(conformer, assignId=True)
        return mol

    return make
