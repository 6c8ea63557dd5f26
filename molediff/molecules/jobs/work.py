"""The unit of work that every engine calls: molecules in, one plain row each out, whatever became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.molecules.generation.result import GenerationResult

SCHEMA = {
    "id": "int64",
    "name": "string",
    "smiles": "string",
    "status": "string",
    "reason": "string",
    "num_conformers": "int32",
    "num_drawn": "int32",
    "atomic_numbers": "list<int16>",
    "coordinates": "list<float>",
    "energies": "list<double>",
    "molblocks": "list<string>",
}
"""Columns of a row, by their Arrow types.

One row an input: `id` is its place in the input, from 0; `status` and `reason` as in `GenerationResult`; with n
conformers of N atoms, `atomic_numbers` has N entries, `coordinates` n * N * 3 in Angstrom, conformer by conformer and
atom by atom; `energies` n in kcal/mol, none if not asked for; `molblocks` the n conformers as mol blocks."""


@dataclass(frozen=True)
class Work:
    """What is done with molecules: a picklable description, from which each process makes its own generator.

    Attributes:
        weights: name or path; a path must be seen by all machines.
        num_conformers: of each molecule.
        seed: of the run.
        settings: of `ConformerGenerator.generate_many`, by name.
        device: "cpu", "cuda" or None for a GPU where there is one.
        max_atoms: inputs with more atoms are refused; None: as the weights have it.
    """

    weights: str = "qm9"
    num_conformers: int = 10
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    max_atoms: int | None = None

    def start(self) -> Worker:
        """What does it, with its weights loaded."""
        return Worker(self)


class Worker:
    """Does the work in one process.

    Raises:
        ValueError: a setting is out of range, or the weights cannot be used.
    """

    def __init__(self, work: Work) -> None:
        import torch

        from molediff.molecules.generator import ConformerGenerator
        from molediff.runtime.memory import keep_freed_memory

        keep_freed_memory()
        if work.device == "cpu" or not torch.cuda.is_available():
            torch.set_num_threads(1)
        self.work = work
        self.generator = ConformerGenerator.from_pretrained(
            work.weights, device=work.device, max_atoms=work.max_atoms
        )

    def rows(
        self, ids: Sequence[int], names: Sequence[str], molecules: Sequence[Any]
    ) -> list[dict[str, Any]]:
        """One row of `SCHEMA` for each molecule, in order; nothing that is wrong with a molecule raises.

        Args:
            ids: of the molecules.
            names: for people.
            molecules: SMILES, Mols, or Mols as bytes.
        """
        given = [Chem.Mol(m) if isinstance(m, bytes) else m for m in molecules]  # type: ignore[call-overload]
        work = self.work
        results = self.generator.generate_many(given, work.num_conformers, work.seed, **work.settings)
        return [row_of(*each) for each in zip(ids, names, results, strict=True)]


def row_of(number: int, name: str, result: GenerationResult) -> dict[str, Any]:
    """A result as a row of `SCHEMA`."""
    ensemble = result.ensemble
    mol = result.mol
    blocks = []
    if mol is not None:
        blocks = [Chem.MolToMolBlock(mol, confId=conformer.GetId()) for conformer in mol.GetConformers()]
    return {
        "id": int(number),
        "name": name,
        "smiles": result.smiles,
        "status": result.status,
        "reason": result.reason,
        "num_conformers": result.num_conformers,
        "num_drawn": result.num_drawn,
        "atomic_numbers": ensemble.atomic_numbers.astype(np.int16)
        if len(ensemble)
        else np.zeros(0, np.int16),
        "coordinates": ensemble.coordinates.astype(np.float32).ravel(),
        "energies": np.zeros(0) if result.energies is None else np.asarray(result.energies, dtype=np.float64),
        "molblocks": blocks,
    }


def arrow_schema() -> Any:
    """`SCHEMA` as pyarrow has it."""
    import pyarrow

    types = {
        "int16": pyarrow.int16(),
        "int32": pyarrow.int32(),
        "int64": pyarrow.int64(),
        "float": pyarrow.float32(),
        "double": pyarrow.float64(),
        "string": pyarrow.string(),
    }

    def type_of(word: str) -> Any:
        return pyarrow.list_(types[word[5:-1]]) if word.startswith("list<") else types[word]

    return pyarrow.schema([(name, type_of(word)) for name, word in SCHEMA.items()])


def table_of(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as a pyarrow table of `SCHEMA`."""
    import pyarrow

    return pyarrow.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema())
