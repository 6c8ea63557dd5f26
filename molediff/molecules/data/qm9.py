"""QM9: 130,831 molecules with B3LYP/6-31G(2df,p) geometries (Ramakrishnan et al. 2014), ready to learn from.

The source is the PyPI package `qm9pack`, read from its files. A molecule comes through if the connectivity of its
geometry is that of its SMILES (`perception.py`); the others are listed with a reason.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock
from rdkit import Chem, rdBase

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.packing import PackedConformers, PackedRecord, pack
from molediff.molecules.data.qm9_source import PROPERTIES, read_source, source_parts
from molediff.molecules.graph.features import featurize
from molediff.molecules.perception.bonds import perceive
from molediff.molecules.perception.canonical import PerceptionError
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.files import write_bytes
from molediff.runtime.processes import in_order
from molediff.runtime.progress import tqdm

log = logging.getLogger(__name__)

NUM_MOLECULES = 130_831
SPLITS = ("train", "val", "test")

# Rises with every change of features, perception or layout: caches of another version are built again.
CACHE_VERSION = 1


class Perception(NamedTuple):
    """What became of one molecule: a record, or None and the reason."""

    record: PackedRecord | None
    note: str


class QM9:
    """The molecules that came through, their properties, and a list of the others.

    Attributes:
        dataset: all of them, in the order of QM9.
        index: QM9's own number (1..133885) of each, int64, shape (n,).
        properties: float64 arrays of shape (n,) by name; units in `PROPERTIES`.
        notes: for each molecule that needed more than the plain way, or did not come through:
            QM9's number, SMILES of the source, "recovered" or "not perceived", how or why.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        arrays = dict(arrays)
        self.index = arrays.pop("qm9_index")
        self._row = arrays.pop("qm9_row")
        self._num_rows = int(arrays.pop("qm9_num_rows")[0])
        self.properties = {name: arrays.pop(f"property_{name}") for name in PROPERTIES}
        self.notes: list[tuple[int, str, str, str]] = [
            tuple(note) for note in json.loads(arrays.pop("notes").tobytes())
        ]
        self.dataset = ConformerDataset(PackedConformers(**arrays))

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def not_perceived(self) -> list[tuple[int, str, str]]:
        """QM9's number, SMILES and reason for each molecule that did not come through."""
        return [(index, smiles, why) for index, smiles, kind, why in self.notes if kind == "not perceived"]

    def members(self, split: str) -> np.ndarray:
        """Positions in `dataset` of the molecules of `split`, in the order of the permutation.

        QM9 holds 87 molecules twice. Of each such pair with one in test, the other is left out of training and
        validation, so that no test molecule is ever learned from.
        """
        if split not in SPLITS:
            raise ValueError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
        position = np.full(self._num_rows, -1)
        position[self._row] = np.arange(len(self._row))
        rows = split_rows(self._num_rows)
        chosen, test = (places[places >= 0] for places in (position[rows[split]], position[rows["test"]]))
        if split == "test":
            return chosen
        molecule = self.dataset.packed.molecule
        return chosen[~np.isin(molecule[chosen], molecule[test])]

    def split(self, split: str) -> ConformerDataset:
        """The molecules of "train", "val" or "test" (EDM's split)."""
        return ConformerDataset(self.dataset.packed, self.members(split))

    def mols(self, split: str, indices: Sequence[int]) -> list[Chem.Mol]:
        """Molecules `indices` of `split` with their B3LYP conformer."""
        dataset = self.split(split)
        return [dataset.mol(i) for i in indices]


def split_rows(num_rows: int = NUM_MOLECULES) -> dict[str, np.ndarray]:
    """EDM's split (Hoogeboom et al. 2022) of molecules ordered by QM9's number.

    One permutation of seed 0, in order 100,000 for training, the rest for validation, a tenth for test. With fewer
    than all molecules the shares are the same.
    """
    permutation = np.random.RandomState(0).permutation(num_rows)
    num_train = 100_000 if num_rows == NUM_MOLECULES else round(num_rows * 100_000 / NUM_MOLECULES)
    num_test = int(0.1 * num_rows)
    train, val, test = np.split(permutation, [num_train, num_rows - num_test])
    return {"train": train, "val": val, "test": test}


def load_qm9(
    root: str | Path = "data",
    source: str | Path | None = None,
    num_processes: int = 2,
    progress: bool = True,
) -> QM9:
    """QM9 from its cache `root`/qm9/qm9.safetensors, which is built first where it is missing or not sound.

    Args:
        root: folder of data.
        source: folder of the CSV parts; by default that of the installed package `qm9pack`.
        num_processes: for building, at least 1; above 1 a script needs the usual `if __name__ == "__main__":`.
        progress: show a bar while building.

    Raises:
        FileNotFoundError: no sound cache and no source.
    """
    folder = Path(root) / "qm9"
    path = folder / "qm9.safetensors"
    parts = source_parts(source)
    key: dict[str, object] = {"version": CACHE_VERSION}
    if parts:
        key["source"] = [[part.name, part.stat().st_size] for part in parts]
    try:
        return QM9(read_cache(path, key))
    except StaleCacheError as error:
        log.info("Building QM9: %s.", error)
    if not parts:
        raise FileNotFoundError(
            f"No sound QM9 cache at {path} and no source: install it with `pip install qm9pack`."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Of several processes that find no cache, one builds and the others wait for it.
    with FileLock(folder / ".lock"):
        try:
            return QM9(read_cache(path, key))
        except StaleCacheError:
            arrays = _build(parts, num_processes, progress)
            write_cache(path, arrays, key)
            qm9 = QM9(arrays)
            _write_notes(folder / "perception.csv", qm9.notes)
            return qm9


def _perceive_rows(rows: list[tuple[str, list[int], np.ndarray]]) -> list[Perception]:
    with rdBase.BlockLogs():
        return [_perceive_row(*row) for row in rows]


def _perceive_row(smiles: str, elements: list[int], positions: np.ndarray) -> Perception:
    try:
        found = perceive(smiles, elements, positions)
        coordinates = found.mol.GetConformer().GetPositions().astype(np.float32)
        return Perception(PackedRecord(found.smiles, featurize(found.mol), coordinates), found.method)
    except PerceptionError as error:
        return Perception(None, str(error))


def _lost(row: tuple[str, list[int], np.ndarray]) -> Perception:
    raise RuntimeError(
        f"The process that perceived {row[0]} of QM9 died twice: killed, or out of memory. Try num_processes=1."
    )


def _build(parts: Sequence[Path], num_processes: int, progress: bool) -> dict[str, np.ndarray]:
    rows: list[tuple[int, str]] = []
    properties: list[list[float]] = []

    def groups() -> Iterator[list[tuple[str, list[int], np.ndarray]]]:
        source = read_source(parts)
        while chunk := list(
            islice(source, 500)
        ):  # small enough for memory, and few messages between processes
            rows.extend((row.number, row.smiles) for row in chunk)
            properties.extend(row.properties for row in chunk)
            yield [row[1:4] for row in chunk]

    found = (
        (perception for group in groups() for perception in _perceive_rows(group))
        if num_processes == 1
        else in_order(_perceive_rows, groups(), num_processes, _lost)
    )
    perceptions = list(
        tqdm(
            found,
            total=NUM_MOLECULES if len(parts) == 3 else None,
            desc="QM9: perceiving bonds and stereo",
            unit=" molecules",
            disable=not progress,
        )
    )
    return _assemble(rows, properties, perceptions)


def _assemble(
    rows: list[tuple[int, str]], properties: list[list[float]], perceptions: list[Perception]
) -> dict[str, np.ndarray]:
    kept = np.array(
        [i for i, perception in enumerate(perceptions) if perception.record is not None], dtype=np.int64
    )
    notes = [
        (*row, "not perceived" if perception.record is None else "recovered", perception.note)
        for row, perception in zip(rows, perceptions, strict=True)
        if perception.record is None or perception.note != "default"
    ]
    table = np.array(properties, dtype=np.float64).reshape(-1, len(PROPERTIES))[kept]
    packed = pack(perception.record for perception in perceptions if perception.record is not None)
    return {
        **packed.arrays(),
        **{f"property_{name}": table[:, column].copy() for column, name in enumerate(PROPERTIES)},
        "qm9_index": np.array([index for index, _ in rows], dtype=np.int64)[kept],
        "qm9_row": kept,
        "qm9_num_rows": np.array([len(rows)], dtype=np.int64),
        "notes": np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8),
    }


def _write_notes(path: Path, notes: list[tuple[int, str, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["qm9_index", "source_smiles", "outcome", "how_or_why"])
    writer.writerows(notes)
    write_bytes(path, text.getvalue().encode())
