"""Conformers from SDF files: anybody's own structures as a data set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.packing import PackedConformers, PackedRecord, pack
from molediff.molecules.files.sdf import SUFFIXES, read_sdf, title_of
from molediff.molecules.graph.features import featurize
from molediff.molecules.perception.canonical import canonical_conformer
from molediff.runtime.progress import tqdm

# Shares of the molecules, of every hundred: validation, test; the rest is for training.
_NUM_VAL, _NUM_TEST = 10, 10


class Skipped(NamedTuple):
    """A record that was left out: its file, its number in the file (from 0), its title and the reason."""

    path: Path
    record: int
    title: str
    reason: str


class SdfConformers(ConformerDataset):
    """The conformers of SDF files.

    Attributes:
        skipped: the records that were left out, with reasons.
    """

    def __init__(self, packed: PackedConformers, skipped: list[Skipped]) -> None:
        super().__init__(packed)
        self.skipped = skipped

    def reasons(self) -> Counter[str]:
        """How many records were left out for each reason."""
        return Counter(record.reason for record in self.skipped)

    def split(self, split: str) -> ConformerDataset:
        """The conformers of "train", "val" or "test": 80, 10 and 10 % of the molecules, by `hash_split`."""
        if split not in ("train", "val", "test"):
            raise ValueError(f"There is no split {split!r}; choose one of train, val, test.")
        names = np.array([hash_split(smiles) for smiles in self.packed.smiles_list()], dtype=object)
        return self.subset(np.flatnonzero(names[self.packed.molecule] == split))


def hash_split(smiles: str) -> str:
    """ "train", "val" or "test" from the molecule alone: its conformers and stereoisomers stay together.

    A fixed hash of the canonical SMILES without stereo, so that a molecule keeps its place in any data set.
    """
    constitution = Chem.CanonSmiles(smiles, useChiral=0)
    place = int.from_bytes(hashlib.sha256(constitution.encode()).digest()[:8], "big") % 100
    if place < _NUM_TEST:
        return "test"
    return "val" if place < _NUM_TEST + _NUM_VAL else "train"


def load_sdf(path: str | Path | Sequence[str | Path], progress: bool = False) -> SdfConformers:
    """All usable conformers of SDF files, or of the SDF files in a folder and its subfolders.

    Records of equal molecules become conformers of one molecule. Stereo is read from the coordinates. A record that
    cannot be used is left out and listed in `skipped`.

    Args:
        path: a file (.sdf, .sd, .mol, .sdf.gz) or a folder, or several of them.
        progress: show a bar.

    Raises:
        FileNotFoundError: no such file, or no SDF file in the folder.
        ValueError: no record could be used.
    """
    skipped: list[Skipped] = []
    paths = [path] if isinstance(path, (str, Path)) else list(path)
    files = [file for one in paths for file in _files(Path(one))]
    with rdBase.BlockLogs(), tqdm(desc="Reading SDF", unit=" records", disable=not progress) as bar:
        packed = pack(_records(files, skipped, bar))
    dataset = SdfConformers(packed, skipped)
    if not len(dataset):
        found = "; ".join(f"{reason} ({count})" for reason, count in dataset.reasons().most_common(3))
        raise ValueError(
            f"No record of {' and '.join(map(str, paths))} can be used: {found or 'it has none'}."
        )
    return dataset


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    files = sorted(
        file for file in path.rglob("*") if file.is_file() and file.name.lower().endswith(SUFFIXES)
    )
    if not files:
        raise FileNotFoundError(f"The folder {path} has no SDF file ({', '.join(SUFFIXES)}).")
    return files


def _records(files: list[Path], skipped: list[Skipped], bar: tqdm) -> Iterator[PackedRecord]:
    for file in files:
        for number, mol in enumerate(read_sdf(file, sanitize=False)):
            bar.update()
            try:
                record = _record(mol)
            except ValueError as error:
                skipped.append(Skipped(file, number, title_of(mol), str(error)))
            else:
                yield record


def _record(mol: Chem.Mol | None) -> PackedRecord:
    """The conformer of one record; ValueError with the reason if it cannot be used."""
    if mol is None:
        raise ValueError("RDKit cannot read the record")
    try:
        Chem.SanitizeMol(mol)
    except ValueError as error:
        raise ValueError(f"RDKit cannot make sense of its bonds: {error}") from None
    positions = mol.GetConformer().GetPositions() if mol.GetNumConformers() else np.zeros((0, 3))
    if len(positions) < 2:
        raise ValueError("it has fewer than two atoms")
    if not np.isfinite(positions).all() or np.allclose(positions, positions[0]):
        raise ValueError("its coordinates are missing or not finite")
    if not mol.GetConformer().Is3D():
        raise ValueError("its coordinates are two-dimensional")
    if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
        raise ValueError("hydrogens are missing: add them with coordinates")
    if len(Chem.GetMolFrags(mol)) > 1:
        raise ValueError("it has several fragments")
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise ValueError("it is a radical")
    if any(atom.GetIsotope() for atom in mol.GetAtoms()):
        raise ValueError("it has isotopes")
    found = canonical_conformer(mol)
    return PackedRecord(found.smiles, featurize(found.mol), found.mol.GetConformer().GetPositions())
