"""Torsions about rotatable bonds in crystals and in minima, in one small file: what a prior of torsions learns from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.minima import Minima, connectivity_key
from molediff.molecules.data.packed_file import PackedFile
from molediff.molecules.files.sdf import read_sdf
from molediff.molecules.graph.features import featurize
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.perception.canonical import assign_stereo
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from molediff.networks.torsion_batch import CRYSTAL, MINIMUM
from molediff.runtime.progress import tqdm

_HEAVY_ATOMS, _MOST_ROTORS = range(4, 101), 25


@dataclass(frozen=True)
class Torsions(PackedFile):
    """M molecules and T torsions.

    Attributes:
        smiles: isomeric SMILES without hydrogens, newline-separated UTF-8 bytes, uint8.
        keys: first block of the InChIKey of each molecule, bytes, shape (M,).
        molecule: the molecule of each torsion, int32, shape (T,).
        atoms: i, j, k, l in the order of the SMILES, uint8, shape (T, 4).
        seconds: second neighbours of j and k, likewise, -1 where there is none, int16, shape (T, 2).
        hands: of both ends (`Rotors.hands`), int8, shape (T, 2).
        degrees: from -180 to 180, int16, shape (T,).
        source: `CRYSTAL` or `MINIMUM`, uint8, shape (T,).
    """

    script = "pack_torsions.py"
    keys: np.ndarray
    molecule: np.ndarray
    atoms: np.ndarray
    seconds: np.ndarray
    hands: np.ndarray
    degrees: np.ndarray
    source: np.ndarray

    def of_molecules(self, chosen: np.ndarray) -> Torsions:
        """Those of the molecules `chosen`, by their rows, which are numbered anew in this order."""
        smiles, number = self.smiles_list(), np.full(len(self.keys), -1)
        number[chosen] = np.arange(len(chosen))
        rows = number[self.molecule] >= 0
        return Torsions(
            np.frombuffer("\n".join(smiles[row] for row in chosen).encode(), dtype=np.uint8),
            self.keys[chosen],
            number[self.molecule[rows]].astype(np.int32),
            *(getattr(self, name)[rows] for name in ("atoms", "seconds", "hands", "degrees", "source")),
        )

    def conformers(self) -> np.ndarray:
        """Of which conformer each torsion is, counted from 0, int64, shape (T,): the same bond begins another."""
        number, numbers = -1, np.empty(len(self.molecule), dtype=np.int64)
        seen: set[tuple[int, ...]] = set()
        of = None
        bonds = zip(self.molecule.tolist(), self.source.tolist(), self.atoms.tolist(), strict=True)
        for row, (molecule, source, atoms) in enumerate(bonds):
            bond = tuple(atoms[1:3])
            if (molecule, source) != of or bond in seen:
                number, of = number + 1, (molecule, source)
                seen = set()
            seen.add(bond)
            numbers[row] = number
        return numbers


def measure_torsions(mols: Iterable[tuple[Chem.Mol | None, int]], excluded: Collection[str] = ()) -> Torsions:
    """Torsions between heavy atoms about the rotatable bonds of molecules with hydrogens and one conformer each.

    What cannot be described, has fewer than 4 or more than 100 heavy atoms, more than 25 such bonds, or a key that is
    excluded, is left out.

    Args:
        mols: molecules and their `source`.
        excluded: keys (`connectivity_key`) of molecules to leave out.
    """
    rows: dict[str, int] = {}
    keys: dict[str, str] = {}
    left_out: set[str] = set()
    molecule, sources = [], []
    measured: list[tuple[np.ndarray, ...]] = []
    for mol, source in mols:
        found = None if mol is None else _heavy_torsions(mol)
        if found is None:
            continue
        smiles, *arrays = found
        if smiles not in keys and smiles not in left_out:
            key = _key(smiles)
            if key is None or key in excluded:
                left_out.add(smiles)
            else:
                keys[smiles] = key
        if smiles in left_out:
            continue
        row = rows.setdefault(smiles, len(rows))
        measured.append(tuple(arrays))
        molecule += [row] * len(arrays[0])
        sources += [source] * len(arrays[0])
    nothing = (np.zeros((0, 4)), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    atoms, seconds, hands, degrees = (np.concatenate(parts) for parts in zip(nothing, *measured, strict=True))
    return Torsions(
        np.frombuffer("\n".join(rows).encode(), dtype=np.uint8),
        np.array([keys[smiles] for smiles in rows], dtype="S14"),
        np.array(molecule, dtype=np.int32),
        atoms.astype(np.uint8),
        seconds.astype(np.int16),
        hands.astype(np.int8),
        np.round(degrees).astype(np.int16),
        np.array(sources, dtype=np.uint8),
    )


def crystals_of(path: str | Path, progress: bool = False) -> Iterator[tuple[Chem.Mol, int]]:
    """Molecules of an SDF file with hydrogens, stereo read from their coordinates, as crystals."""
    for mol in tqdm(read_sdf(path), disable=not progress, unit=" crystals"):
        if mol is not None:
            assign_stereo(mol)
            yield mol, CRYSTAL


def minima_of(path: str | Path, progress: bool = False) -> Iterator[tuple[Chem.Mol, int]]:
    """Molecules of a file of `Minima.save`, one for each minimum."""
    minima = Minima.read(path)
    smiles, x = minima.smiles_list(), minima.positions / 1000.0
    end, row_of_mol, mol = 0, -1, Chem.Mol()
    for row in tqdm(minima.molecule.tolist(), disable=not progress, unit=" minima"):
        if row != row_of_mol:
            mol, row_of_mol = Chem.AddHs(Chem.MolFromSmiles(smiles[row])), row
        end += mol.GetNumAtoms()
        yield with_conformers(mol, [x[end - mol.GetNumAtoms() : end]]), MINIMUM


def _heavy_torsions(mol: Chem.Mol) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """SMILES; atoms and second neighbours in its order; hands and angles of the torsions that are known."""
    if mol.GetNumHeavyAtoms() not in _HEAVY_ATOMS or len(Chem.GetMolFrags(mol)) > 1:
        return None
    rotors = Rotors.of(mol)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    if not 0 < len(rotors) <= _MOST_ROTORS:
        return None
    x = mol.GetConformer().GetPositions()
    with np.errstate(invalid="ignore", divide="ignore"):
        angles, hands = rotors.angles(x), rotors.hands(x)
    with rdBase.BlockLogs():
        heavy = Chem.RemoveHs(mol, sanitize=False)
        Chem.SanitizeMol(heavy, catchErrors=True)
        smiles = Chem.MolToSmiles(heavy)
    # Positions of the heavy atoms among themselves are kept when hydrogens go; then those of the SMILES.
    is_heavy = np.array([atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()])
    if heavy.GetNumAtoms() != is_heavy.sum() or not is_heavy[rotors.torsions].all():
        return None
    order = np.array(list(heavy.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    place = place[np.cumsum(is_heavy) - 1]
    seconds = np.where(rotors.seconds >= 0, place[rotors.seconds], -1)
    good = np.isfinite(angles)
    return smiles, place[rotors.torsions][good], seconds[good], hands[good], angles[good]


def _key(smiles: str) -> str | None:
    """`connectivity_key` of a molecule; None for one that cannot be described."""
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
        if mol is None:
            return None
        try:
            featurize(Chem.AddHs(mol), ORGANIC)
        except ValueError:
            return None
    return connectivity_key(smiles)
