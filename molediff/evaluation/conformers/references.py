"""Reference conformers from the user's own file."""

from __future__ import annotations

import os

from rdkit import Chem
from rdkit.Chem import Mol

from molediff.molecules.files.sdf import read_sdf
from molediff.molecules.perception.canonical import assign_stereo


def read_references(path: str | os.PathLike[str]) -> list[Mol]:
    """Molecules with reference conformers from an SDF file (`.sdf` or `.sdf.gz`), hydrogens included.

    Records that follow each other and have the same atoms, bonds and stereo are conformers of one molecule. Stereo is
    read from the coordinates.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a record cannot be read, has no 3D coordinates or lacks hydrogens; or there is none.
    """
    molecules: list[Mol] = []
    previous = None
    for number, record in enumerate(read_sdf(path), start=1):
        mol = _checked(record, f"record {number} of {path}")
        identity = _identity(mol)
        if identity == previous:
            molecules[-1].AddConformer(mol.GetConformer(), assignId=True)
        else:
            molecules.append(mol)
        previous = identity
    if not molecules:
        raise ValueError(f"{path} holds no molecule")
    return molecules


def _checked(mol: Mol | None, where: str) -> Mol:
    if mol is None:
        raise ValueError(f"{where} cannot be read as a molecule")
    if mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
        raise ValueError(f"{where} has no 3D coordinates")
    if any(atom.GetNumImplicitHs() for atom in mol.GetAtoms()):
        raise ValueError(f"{where} lacks hydrogens: references need them all, with coordinates")
    assign_stereo(mol)
    return mol


def _identity(mol: Mol) -> tuple[object, ...]:
    """Equal for two conformers of one molecule with its atoms in the same order."""
    atoms = tuple((atom.GetAtomicNum(), atom.GetFormalCharge()) for atom in mol.GetAtoms())
    bonds = frozenset(
        (frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())), bond.GetBondType())
        for bond in mol.GetBonds()
    )
    return atoms, bonds, Chem.MolToSmiles(mol)
