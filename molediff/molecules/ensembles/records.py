"""A long run of ensembles, one line of JSON a molecule: killed at any time it goes on where it was."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.ensembles.recipe import Recipe
from molediff.molecules.ensembles.search import EnsembleError, FoundMinima, build_ensemble
from molediff.molecules.ensembles.tasks import EnsembleTask
from molediff.molecules.files.sdf import sdf_record
from molediff.runtime.files import write_bytes
from molediff.runtime.former import former_names
from molediff.runtime.processes import as_completed
from molediff.runtime.words import counted

__getattr__ = former_names(__name__, {"Record": "EnsembleRecord"})

# Name of the property in SDF, by `energies.relax.METHODS`.
_ENERGY = {"GFN2-xTB": "GFN2_kcal_per_mol", "AIMNet2": "AIMNet2_kcal_per_mol"}

_DIGITS = 4  # of coordinates, in Angstrom: an SDF file has no more


@dataclass(frozen=True)
class EnsembleRecord:
    """What became of one molecule; energies in kcal/mol, positions (K, N, 3) in Angstrom, the lowest first.

    Attributes:
        reason: why there is no ensemble; empty if there is one.
        seconds: processor time; of a molecule that was killed, wall time.
        Others as in `FoundMinima`.
    """

    name: str
    smiles: str
    reason: str
    seconds: float
    energies: list[float]
    weights: list[float]
    sources: list[str]
    positions: list[list[list[float]]]
    lowest: float
    num_seeds: int
    num_relaxed: int
    num_low: int
    num_low_by_half: int
    num_low_direct: int
    num_rejected: dict[str, int]

    def line(self) -> str:
        """The status of the molecule in words."""
        if self.reason:
            return f"{self.name} {self.smiles}: failed after {self.seconds:.1f} s: {self.reason}"
        rejected = "".join(f", {count} {reason}" for reason, count in self.num_rejected.items())
        return (
            f"{self.name} {self.smiles}: {counted(len(self.energies), 'minimum', 'minima')} in {self.seconds:.1f} s "
            f"({counted(self.num_seeds, 'seed')}, {self.num_relaxed} relaxed{rejected})"
        )


def _head(recipe: Recipe) -> dict[str, object]:
    """What a file of records begins with; files from before there was a choice of methods go on."""
    settings = asdict(recipe)
    return {key: value for key, value in settings.items() if (key, value) != ("method", "gfn2")}


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


class EnsembleRecords:
    """The records of a run in a file that only grows.

    A line that a kill cut off is dropped and its molecule done again.

    Args:
        path: of the file, `.jsonl`; made if it is missing.
        recipe: of all ensembles in it.

    Raises:
        ValueError: the file belongs to another recipe or is no such file.
    """

    def __init__(self, path: str | os.PathLike[str], recipe: Recipe) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.records: dict[str, EnsembleRecord] = {}
        for line in self._whole_lines({"recipe": _head(recipe)}):
            record = EnsembleRecord(**json.loads(line))
            self.records[record.name] = record

    def settles(self, task: EnsembleTask, retry_failed: bool = False) -> bool:
        """Whether there is a record of the task: of this molecule, not of another one that had its name."""
        record = self.records.get(task.name)
        return record is not None and record.smiles == task.smiles and not (retry_failed and record.reason)

    def add(self, record: EnsembleRecord) -> None:
        """Append a record; it is on the disk when this returns."""
        self._append(json.dumps(asdict(record), separators=(",", ":")))
        self.records[record.name] = record

    def _append(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _whole_lines(self, head: dict[str, object]) -> list[str]:
        """The lines behind `head`; one that does not end is cut off. A file that begins otherwise is not touched."""
        content = self.path.read_bytes() if self.path.exists() else b""
        begin, first = json.dumps(head), content.split(b"\n")[0].decode("utf-8", errors="replace")
        # Compared as numbers, 6 is 6.0; a head that a kill cut off is no JSON.
        if not (begin.startswith(first) if b"\n" not in content else _loads(first) == head):
            raise ValueError(
                f"{self.path} was begun with another recipe ({first[:300]}): name another file, or remove it"
            )
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(self.path, end)
        if not end:
            self._append(begin)
        return content[:end].decode("utf-8").splitlines()[1:]


def run_tasks(
    tasks: Sequence[EnsembleTask],
    records: EnsembleRecords,
    recipe: Recipe,
    num_processes: int = 2,
    seconds_each: float | None = 600.0,
    retry_failed: bool = False,
) -> Iterator[EnsembleRecord]:
    """Build the ensembles that are not there yet, in processes of one thread each; yield each record once it is kept.

    Args:
        tasks: names must differ.
        records: of earlier runs; the new ones are added.
        recipe: see `Recipe`.
        num_processes: at least 1.
        seconds_each: after so many seconds a molecule is given up; None: never.
        retry_failed: do those again that an earlier run gave up.
    """
    missing = [task for task in tasks if not records.settles(task, retry_failed)]
    for outcome in as_completed(partial(build_record, recipe=recipe), missing, num_processes, seconds_each):
        task = outcome.item
        record = outcome.value or _failure(task, outcome.reason, outcome.seconds)
        records.add(record)
        yield record


def build_record(task: EnsembleTask, recipe: Recipe) -> EnsembleRecord:
    """Build one ensemble; a molecule without one gives a record with the reason."""
    start = time.process_time()
    try:
        with rdBase.BlockLogs():
            ensemble = build_ensemble(task.mol(), recipe)
    except EnsembleError as error:
        return _failure(task, str(error), time.process_time() - start)
    return _record(task.name, ensemble, time.process_time() - start)


def _record(name: str, ensemble: FoundMinima, seconds: float) -> EnsembleRecord:
    positions = [conformer.GetPositions() for conformer in ensemble.mol.GetConformers()]
    counts = ("num_seeds", "num_relaxed", "num_low", "num_low_by_half", "num_low_direct", "num_rejected")
    return EnsembleRecord(
        name=name,
        smiles=ensemble.smiles,
        reason="",
        seconds=round(seconds, 2),
        energies=ensemble.energies.round(4).tolist(),
        weights=ensemble.weights.round(6).tolist(),
        sources=ensemble.sources,
        positions=[x.round(_DIGITS).tolist() for x in positions],
        lowest=round(ensemble.lowest, 4),
        **{key: getattr(ensemble, key) for key in counts},
    )


def _failure(task: EnsembleTask, reason: str, seconds: float) -> EnsembleRecord:
    return EnsembleRecord(
        task.name, task.smiles, reason, round(seconds, 2), [], [], [], [], 0.0, 0, 0, 0, 0, 0, {}
    )


class Completeness(NamedTuple):
    """Whether more seeds would find more.

    Attributes:
        num_low: minima within 2.5 kcal/mol of the lowest, over all molecules, by way of the force field.
        num_low_by_half: how many of them half the seeds had found.
        num_low_direct: how many more were found by starts that were relaxed directly.
        num_changed: molecules whose number differs.
        num_molecules: molecules with an ensemble.
    """

    num_low: int
    num_low_by_half: int
    num_low_direct: int
    num_changed: int
    num_molecules: int

    @property
    def growth(self) -> float:
        """Relative change of the number of minima on doubling the seeds; below 0.05 the recipe is complete enough."""
        return self.num_low / self.num_low_by_half - 1 if self.num_low_by_half else float("nan")


def check_completeness(records: Iterable[EnsembleRecord]) -> Completeness:
    """What doubling the seeds, from half of them to all, changed in these ensembles."""
    found = [record for record in records if not record.reason]
    return Completeness(
        sum(record.num_low for record in found),
        sum(record.num_low_by_half for record in found),
        sum(record.num_low_direct for record in found),
        sum(record.num_low != record.num_low_by_half for record in found),
        len(found),
    )


def write_ensembles(
    path: str | os.PathLike[str], records: Iterable[EnsembleRecord], provenance: Mapping[str, object]
) -> None:
    """Write the ensembles as SDF, one record a conformer, the lowest of a molecule first; `.gz` is compressed.

    Properties: SMILES, energy above the lowest, Boltzmann weight, source of the start, and `provenance`. The title is
    the molecule's name. The file appears when it is complete. `evaluation.references.read_references` reads it.
    """
    path = Path(path)
    content = "".join(_sdf(record, provenance) for record in records if not record.reason).encode()
    write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _sdf(record: EnsembleRecord, provenance: Mapping[str, object]) -> str:
    mol = Chem.AddHs(Chem.MolFromSmiles(record.smiles))
    filled = with_conformers(mol, [np.array(positions) for positions in record.positions])
    texts = []
    for place in range(len(record.energies)):
        properties = {
            "SMILES": record.smiles,
            _ENERGY.get(
                str(provenance.get("method")), "energy_kcal_per_mol"
            ): f"{record.energies[place]:.3f}",
            "boltzmann_weight": f"{record.weights[place]:.4f}",
            "source": record.sources[place],
            **provenance,
        }
        texts.append(sdf_record(filled, place, record.name, properties))
    return "".join(texts)
