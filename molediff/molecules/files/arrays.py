"""Conformers as plain numbers in an `.npz` file, which numpy alone reads.

Molecules one behind the other, of each its conformers one behind the other, of each its atoms::

    names, smiles, energy_methods, provenance  texts, one a molecule; provenance is JSON, with a list of one value a
                                               conformer for what is not the same of all
    num_atoms, num_bonds, num_conformers       one a molecule
    atomic_numbers, formal_charges, isotopes   one an atom of each molecule; isotopes is 0 where none is named (files of
                                               earlier versions lack it)
    bonds, bond_orders                         two atoms, counted within the molecule; 1, 1.5, 2 or 3
    energies                                   one a conformer, in kcal/mol, NaN where it is not known
    samples                                    sample and attempt that fix its noise, -1 where there are none
    coordinates                                one row (x, y, z) an atom of each conformer, in Angstrom
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.files.records import Record

_OF_A_CONFORMER = ("SMILES", "conformer", "sample", "attempt")
_BOND_TYPES = {
    1.0: Chem.BondType.SINGLE,
    1.5: Chem.BondType.AROMATIC,
    2.0: Chem.BondType.DOUBLE,
    3.0: Chem.BondType.TRIPLE,
}
_SHAPES = {"bonds": (0, 2), "samples": (0, 2), "coordinates": (0, 3)}
_TYPES = {"energies": np.float64, "coordinates": np.float64, "bond_orders": np.float64}
_TEXTS = ("names", "smiles", "energy_methods", "provenance")
_NUMBERS = ("num_atoms", "num_bonds", "num_conformers")
_OF_ATOMS = ("atomic_numbers", "formal_charges", "isotopes")
_OF_BONDS = ("bonds", "bond_orders")
_OF_CONFORMERS = ("energies", "samples")
_ARRAYS = (*_OF_ATOMS, *_OF_BONDS, *_OF_CONFORMERS, "coordinates")


class SavedMolecule(NamedTuple):
    """One molecule of an `.npz` file.

    Attributes:
        name: its title.
        smiles: as it was given to the generator; empty if that is not known.
        mol: atoms, bonds and n conformers, coordinates in Angstrom; stereo as the first conformer shows it.
        energies: in kcal/mol, shape (n,), NaN where it is not known.
        energy_method: empty without energies.
        samples: sample and attempt of each conformer, int64, shape (n, 2); -1 where they are not known.
        provenance: how they were made; a list with a value for each conformer where they differ.
    """

    name: str
    smiles: str
    mol: Chem.Mol
    energies: np.ndarray
    energy_method: str
    samples: np.ndarray
    provenance: dict[str, Any]


class ArraysOutput:
    """Gathers the records of molecules, and writes them all at the end."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {name: [] for name in _TEXTS}
        self._numbers: dict[str, list[int]] = {name: [] for name in _NUMBERS}
        self._arrays: dict[str, list[np.ndarray]] = {name: [] for name in _ARRAYS}

    def add(self, records: Sequence[Record]) -> None:
        """Take the conformers of one molecule, one or more."""
        first = records[0]
        atoms, bonds = list(first.mol.GetAtoms()), list(first.mol.GetBonds())
        texts = (
            first.title,
            str(first.made.get("SMILES", "")),
            next((record.energy.method for record in records if record.energy is not None), ""),
            json.dumps(_made(records), default=str),
        )
        for name, text in zip(_TEXTS, texts, strict=True):
            self._texts[name].append(text.encode("utf-8", "replace").decode())
        for name, number in zip(_NUMBERS, (len(atoms), len(bonds), len(records)), strict=True):
            self._numbers[name].append(number)
        arrays = (
            [atom.GetAtomicNum() for atom in atoms],
            [atom.GetFormalCharge() for atom in atoms],
            [atom.GetIsotope() for atom in atoms],
            [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds],
            [bond.GetBondTypeAsDouble() for bond in bonds],
            [np.nan if record.energy is None else record.energy.value for record in records],
            [(record.made.get("sample", -1), record.made.get("attempt", -1)) for record in records],
            np.concatenate([record.positions for record in records]),
        )
        for name, values in zip(_ARRAYS, arrays, strict=True):
            array = np.array(values, dtype=_TYPES.get(name, np.int64))
            self._arrays[name].append(array.reshape(-1, *_SHAPES[name][1:]) if name in _SHAPES else array)

    def save(self, file: BinaryIO) -> None:
        """Write all that was added."""
        saved: dict[str, Any] = {name: np.array(values, dtype=str) for name, values in self._texts.items()}
        saved |= {name: np.array(values, dtype=np.int64) for name, values in self._numbers.items()}
        for name, arrays in self._arrays.items():
            none = np.zeros(_SHAPES.get(name, (0,)), _TYPES.get(name, np.int64))
            saved[name] = np.concatenate([none, *arrays])
        np.savez_compressed(file, **saved)


def _made(records: Sequence[Record]) -> dict[str, Any]:
    """How the conformers of one molecule were made, as `SavedMolecule` has it."""
    names = dict.fromkeys(name for record in records for name in record.made if name not in _OF_A_CONFORMER)
    values = {name: [record.made.get(name) for record in records] for name in names}
    return {
        name: all_of if any(one != all_of[0] for one in all_of) else all_of[0]
        for name, all_of in values.items()
    }


def read_arrays(path: str | os.PathLike[str]) -> Iterator[SavedMolecule]:
    """The molecules of an `.npz` file that `write` made.

    Raises:
        ValueError: it is another kind of file, cut short or damaged.
        OSError: it is missing or cannot be read.
    """
    all_of = _loaded(path)
    atoms, bonds, conformers, rows = 0, 0, 0, 0
    for place in range(len(all_of["names"])):
        num_atoms, num_bonds, num = (int(all_of[name][place]) for name in _NUMBERS)
        mine = {name: all_of[name][atoms : atoms + num_atoms] for name in _OF_ATOMS}
        mine |= {name: all_of[name][bonds : bonds + num_bonds] for name in _OF_BONDS}
        mine |= {name: all_of[name][conformers : conformers + num] for name in _OF_CONFORMERS}
        x = all_of["coordinates"][rows : rows + num * num_atoms].reshape(num, num_atoms, 3)
        atoms, bonds, conformers, rows = (
            atoms + num_atoms,
            bonds + num_bonds,
            conformers + num,
            rows + num * num_atoms,
        )
        name, smiles, method, provenance = (str(all_of[text][place]) for text in _TEXTS)
        try:
            mol, made = _mol(mine, x), json.loads(provenance)
        except (
            ValueError,
            KeyError,
            RuntimeError,
            OverflowError,
        ) as error:  # of RDKit, and of numbers that are none
            raise ValueError(
                f"{path} is damaged: what it has of molecule {place} (from 0) is none; write it again"
            ) from error
        yield SavedMolecule(name, smiles, mol, mine["energies"], method, mine["samples"], made)


def _loaded(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """All arrays of a file, whose lengths fit each other."""
    try:
        saved = np.load(path, allow_pickle=False)
        if not isinstance(saved, np.lib.npyio.NpzFile):
            raise ValueError("one array")
        with saved:
            lacking = {*_TEXTS, *_NUMBERS, *_ARRAYS} - {"isotopes", *saved.files}
            all_of = {} if lacking else {name: saved[name] for name in saved.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is no .npz file, or is cut short or damaged: give one that molediff wrote"
        ) from error
    if lacking:
        raise ValueError(f"{path} is no file of conformers: it has no {', '.join(sorted(lacking))}")
    all_of.setdefault("isotopes", np.zeros(len(all_of["atomic_numbers"]), dtype=np.int64))
    lengths = {name: len(all_of[name]) for name in (*_TEXTS, *_NUMBERS, *_ARRAYS)}
    if len({lengths[name] for name in (*_TEXTS, *_NUMBERS)}) == 1:
        num_atoms, num_bonds, num = (all_of[name] for name in _NUMBERS)
        meant = dict.fromkeys(_OF_ATOMS, num_atoms.sum()) | dict.fromkeys(_OF_BONDS, num_bonds.sum())
        meant |= dict.fromkeys(_OF_CONFORMERS, num.sum()) | {"coordinates": (num_atoms * num).sum()}
        if all(lengths[name] == meant[name] for name in _ARRAYS):
            return all_of
    raise ValueError(f"{path} is damaged: its arrays are not of the same molecules; write it again")


def _mol(arrays: dict[str, np.ndarray], x: np.ndarray) -> Chem.Mol:
    built = Chem.RWMol()
    for number, charge, isotope in zip(*(arrays[name] for name in _OF_ATOMS), strict=True):
        atom = Chem.Atom(int(number))
        atom.SetFormalCharge(int(charge))
        atom.SetIsotope(int(isotope))
        atom.SetNoImplicit(True)
        built.AddAtom(atom)
    for (i, j), order in zip(arrays["bonds"], arrays["bond_orders"], strict=True):
        built.AddBond(int(i), int(j), _BOND_TYPES[float(order)])
        if order == 1.5:
            for end in (int(i), int(j)):
                built.GetAtomWithIdx(end).SetIsAromatic(True)
            built.GetBondBetweenAtoms(int(i), int(j)).SetIsAromatic(True)
    mol = with_conformers(built.GetMol(), x)
    with rdBase.BlockLogs():
        Chem.SanitizeMol(mol)
    Chem.AssignStereochemistryFrom3D(mol)
    return mol
