"""Minima of drug-like molecules in one small file: SMILES and rounded coordinates; all else is made from these."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.packed_file import PackedFile
from molediff.molecules.data.packing import PackedConformers, PackedRecord, pack
from molediff.molecules.graph.features import featurize
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.progress import tqdm

_CACHE_VERSION = 1
_STEPS_PER_ANGSTROM = 1000  # a rounding of 0.0005 Angstrom is far below what any network resolves


@dataclass(frozen=True)
class Minima(PackedFile):
    """M molecules and C minima, as they are kept in a file.

    Attributes:
        smiles: isomeric SMILES, newline-separated UTF-8 bytes, uint8.
        molecule: the molecule of each minimum, int32, shape (C,).
        positions: coordinates in 1/1000 Angstrom, minimum after minimum, atoms in the order of
            `Chem.AddHs(Chem.MolFromSmiles(smiles))`, int16, shape (sum of N over minima, 3).
        energies: in kcal/mol above the lowest minimum known of the molecule, float32, shape (C,); NaN where unknown.
    """

    script = "pack_minima.py"
    molecule: np.ndarray
    positions: np.ndarray
    energies: np.ndarray

    @classmethod
    def of(
        cls,
        smiles: Iterable[str],
        molecule: Sequence[int],
        positions: Sequence[np.ndarray],
        energies: Sequence[float],
    ) -> Minima:
        """Minima (N, 3) in Angstrom, their molecules by number, and their energies in kcal/mol."""
        rounded = [np.round(x * _STEPS_PER_ANGSTROM).astype(np.int16) for x in positions]
        return cls(
            np.frombuffer("\n".join(smiles).encode(), dtype=np.uint8),
            np.array(molecule, dtype=np.int32),
            np.concatenate([np.zeros((0, 3), np.int16), *rounded]),
            np.array(energies, dtype=np.float32),
        )


def connectivity_key(smiles: str) -> str:
    """First block of the InChIKey: the same for all stereoisomers and isotopes of a molecule."""
    with rdBase.BlockLogs():
        return str(Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))[:14])


def read_keys(path: str | Path) -> frozenset[str]:
    """Keys (`connectivity_key`) of molecules to leave out: the first word of each line of a file, gzipped or not."""
    data = Path(path).read_bytes()
    text = (gzip.decompress(data) if Path(path).suffix == ".gz" else data).decode()
    return frozenset(line.split()[0] for line in text.splitlines() if line.strip())


def pack_minima(
    source: str | Path, excluded: Collection[str] = (), progress: bool = False
) -> tuple[Minima, Counter[str]]:
    """Minima of an SDF file, or of an `.npz` file with the arrays `smiles`, `molecule`, `num_atoms`, `Z` and `X`.

    Args:
        source: an SDF file, gzipped or not, whose records have the property `smiles` with their atoms in its order;
            or the arrays, X in 1/1000 Angstrom.
        excluded: keys of molecules to leave out.
        progress: show a bar.

    Returns:
        The minima, and how many were left out for each reason.
    """
    records = _npz_records(Path(source)) if Path(source).suffix == ".npz" else _sdf_records(Path(source))
    mols: dict[str, Chem.Mol | None] = {}
    rows: dict[str, int] = {}
    molecule, positions, energies = [], [], []
    left_out: Counter[str] = Counter()
    for smiles, numbers, x, energy in tqdm(records, disable=not progress, unit=" minima"):
        if smiles not in mols:
            mols[smiles] = _usable(smiles, excluded)
        mol = mols[smiles]
        reason = _problem(mol, numbers, x)
        if reason:
            left_out[reason] += 1
            continue
        molecule.append(rows.setdefault(smiles, len(rows)))
        positions.append(x)
        energies.append(energy)
    return Minima.of(rows, molecule, positions, energies), left_out


def mols_of(minima: Minima, highest: float = np.inf) -> Iterator[Chem.Mol]:
    """Each minimum as a molecule with one conformer.

    Args:
        minima: of a file.
        highest: minima more than this above the lowest of their molecule are left out, in kcal/mol; those whose energy
            is not known are not.
    """
    begin, last, mol = 0, -1, Chem.Mol()
    smiles = minima.smiles_list()
    for row, energy in zip(minima.molecule.tolist(), minima.energies.tolist(), strict=True):
        if row != last:
            last, mol = row, Chem.AddHs(Chem.MolFromSmiles(smiles[row]))
        end = begin + mol.GetNumAtoms()
        if not energy > highest:
            yield with_conformers(mol, [minima.positions[begin:end] / _STEPS_PER_ANGSTROM])
        begin = end


def _usable(smiles: str, excluded: Collection[str]) -> Chem.Mol | None:
    """The molecule with its hydrogens; None if it is excluded or cannot be described."""
    with rdBase.BlockLogs():
        parsed = Chem.MolFromSmiles(smiles)
        if parsed is None or connectivity_key(smiles) in excluded:
            return None
        mol = Chem.AddHs(parsed)
        try:
            featurize(mol, ORGANIC)
        except ValueError:
            return None
    return mol


def _problem(mol: Chem.Mol | None, numbers: np.ndarray, x: np.ndarray) -> str:
    """Why a minimum cannot be used; empty if it can."""
    if mol is None:
        return "excluded or outside the vocabulary"
    if [atom.GetAtomicNum() for atom in mol.GetAtoms()] != numbers.tolist():
        return "atoms in another order than the SMILES"
    if not np.isfinite(x).all() or np.abs(x).max() > np.iinfo(np.int16).max / _STEPS_PER_ANGSTROM:
        return "coordinates missing or too far from the origin"
    return ""


def _sdf_records(path: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        for mol in Chem.ForwardSDMolSupplier(stream, sanitize=False, removeHs=False):
            if mol is None or not mol.HasProp("smiles"):
                continue
            x = mol.GetConformer().GetPositions()
            energy = float("nan")
            if mol.HasProp("relative_energy_kcal_mol"):
                energy = mol.GetDoubleProp("relative_energy_kcal_mol")
            yield mol.GetProp("smiles"), _numbers(mol), x - x.mean(0), energy


def _numbers(mol: Chem.Mol) -> np.ndarray:
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])


def _npz_records(path: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    with np.load(path, allow_pickle=False) as arrays:
        smiles, molecule, numbers, x = (arrays[name] for name in ("smiles", "molecule", "Z", "X"))
        ends = np.cumsum(arrays["num_atoms"].astype(np.int64))
    for row, end, start in zip(molecule, ends, np.concatenate([[0], ends[:-1]]), strict=True):
        points = x[start:end] / _STEPS_PER_ANGSTROM
        yield str(smiles[row]), numbers[start:end], points - points.mean(0), float("nan")


def load_minima(
    path: str | Path, cache: str | Path | None = None, progress: bool = False
) -> ConformerDataset:
    """Minima with the features of their molecules, ready for batches.

    Args:
        path: a file of `Minima.save`.
        cache: where the features are kept between runs (about 6 kB a molecule); None: beside the file.
        progress: show a bar while they are made, which takes some milliseconds a molecule.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is another one.
    """
    minima = Minima.read(path)
    cache = Path(path).with_suffix(".features.safetensors") if cache is None else Path(cache)
    key = {"version": _CACHE_VERSION, "size": Path(path).stat().st_size, "num": len(minima.molecule)}
    try:
        arrays = read_cache(cache, key)
    except StaleCacheError:
        arrays = _features_of(minima, progress).arrays()
        write_cache(cache, arrays, key)
    return ConformerDataset(PackedConformers(**arrays), vocabulary=ORGANIC)


def _features_of(minima: Minima, progress: bool) -> PackedConformers:
    smiles = minima.smiles_list()
    mols = [Chem.AddHs(Chem.MolFromSmiles(one)) for one in smiles]
    features = [featurize(mol, ORGANIC) for mol in tqdm(mols, disable=not progress, unit=" molecules")]
    sizes = np.array([mol.GetNumAtoms() for mol in mols])[minima.molecule]
    ends = np.cumsum(sizes)
    x = minima.positions.astype(np.float32) / _STEPS_PER_ANGSTROM
    return pack(
        PackedRecord(smiles[row], features[row], x[end - size : end])
        for row, size, end in zip(minima.molecule, sizes, ends, strict=True)
    )
