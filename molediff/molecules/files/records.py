"""What is written with every conformer, whatever the format: names that tell their unit, and how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import ROOM_TEMPERATURE
from molediff.molecules.generation.result import GenerationResult

RELATIVE = "relative_kcal_per_mol"
WEIGHT = f"boltzmann_weight_{ROOM_TEMPERATURE:.0f}K"
_PER_MOL = "_kcal_per_mol"
_MADE = (
    "SMILES", "conformer", "seed", "number", "sample", "attempt", "caution", "original_title", "weights",
    "weights_sha256", "solver", "num_steps", "grid", "init", "num_samples", "relax", "pool", "select", "noise",
    "molediff",
)  # fmt: skip
"""What our records have beside energies."""
_OF_ATOMS = re.compile(r"(?:atom|bond)\.[a-z]*prop", re.IGNORECASE)
"""Lists of values, one an atom or a bond, as RDKit writes them."""


@runtime_checkable
class Drawn(Protocol):
    """Whatever a generator hands back: conformers of a given molecule, or a whole new one."""

    @property
    def smiles(self) -> str:
        """Of the molecule."""
        ...

    @property
    def mol(self) -> Chem.Mol | None:
        """With its conformers; None if there is none."""
        ...

    @property
    def seed(self) -> int:
        """Of the call."""
        ...

    @property
    def reason(self) -> str:
        """Why there are fewer conformers than asked for, or something else that was asked for is not there."""
        ...

    @property
    def provenance(self) -> dict[str, Any]:
        """How it was made."""
        ...


@dataclass(frozen=True)
class Energy:
    """Of one conformer.

    Attributes:
        method: such as "MMFF94s".
        value: in kcal/mol.
        relative: above the lowest of the ensemble, in kcal/mol.
        weight: Boltzmann weight at 298.15 K.
    """

    method: str
    value: float
    relative: float
    weight: float


@dataclass(frozen=True)
class Record:
    """One conformer on its way to a file.

    Attributes:
        mol: the molecule with all its conformers.
        conformer_id: which of them.
        title: one line for people.
        made: how it was made: with the same weights, version and settings the seed, the sample and the attempt fix its
            noise, and of weights that begin with cheap guesses these and the number of samples (`num_samples`).
        energy: None where it is not known.
        data: of the input, for formats that hold them, see `data_to_keep`.
    """

    mol: Chem.Mol
    conformer_id: int
    title: str
    made: dict[str, Any]
    energy: Energy | None = None
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def positions(self) -> np.ndarray:
        """In Angstrom, shape (N, 3)."""
        return np.asarray(self.mol.GetConformer(self.conformer_id).GetPositions())

    @property
    def properties(self) -> dict[str, Any]:
        """All of it by name, energies to 0.0001 kcal/mol, for files of text."""
        if self.energy is None:
            return self.made
        return {
            **self.made,
            property_of(self.energy.method): round(self.energy.value, 4),
            RELATIVE: round(self.energy.relative, 4),
            WEIGHT: round(self.energy.weight, 6),
        }


def records_of(
    result: Drawn | Chem.Mol,
    name: str,
    provenance: Mapping[str, object] | None = None,
    data: Mapping[str, str] | None = None,
) -> Iterator[Record]:
    """A record of every conformer of a result, or of a Mol, of which nothing else is known.

    Args:
        result: what was generated.
        name: title of its records.
        provenance: what to store beyond that of the result.
        data: fields of its input.
    """
    more, kept = dict(provenance or {}), data_to_keep(data or {})
    if isinstance(result, Chem.Mol):
        for conformer in result.GetConformers():
            yield Record(result, conformer.GetId(), name, more, data=kept)
    elif result.mol is not None:
        energies = _energies(result) if isinstance(result, GenerationResult) else {}
        for index, conformer in enumerate(result.mol.GetConformers()):
            made = {**_made(result, index), **more}
            yield Record(result.mol, conformer.GetId(), name, made, energies.get(index), kept)


def data_to_keep(data: Mapping[str, str]) -> dict[str, str]:
    """Fields of an input that hold for new conformers of it, too.

    Left out are energies and weights of conformers, values of atoms and bonds, whose number hydrogens change, and of a
    record that this package wrote all that it wrote.
    """
    of_conformers = {RELATIVE, WEIGHT, *(_MADE if "molediff" in data else ())}
    return {
        name: value
        for name, value in data.items()
        if name not in of_conformers and method_of(name) is None and not _OF_ATOMS.match(name)
    }


def _energies(result: GenerationResult) -> dict[int, Energy]:
    """By the place of the conformer, where they are known."""
    if result.energies is None:
        return {}
    values = zip(result.energies, result.relative_energies, result.boltzmann_weights(), strict=True)
    return {
        index: Energy(str(result.energy_method), *map(float, of))
        for index, of in enumerate(values)
        if np.isfinite(of[0])
    }


def _made(result: Drawn, index: int) -> dict[str, Any]:
    made: dict[str, Any] = {"SMILES": result.smiles, "conformer": index, "seed": result.seed}
    if (number := getattr(result, "number", None)) is not None:  # of a new molecule: which of its call
        made["number"] = number
    if (samples := getattr(result, "samples", None)) is not None:
        made["sample"], made["attempt"] = map(int, samples[index])
    if result.reason:
        made["caution"] = " ".join(str(result.reason).split())
    provenances = getattr(result, "provenances", None)
    return {**made, **(result.provenance if provenances is None else provenances[index])}


def property_of(method: str) -> str:
    """Name of the property that holds an energy of this method: one word, since blanks end a key of extended XYZ."""
    return re.sub(r"[^\w.+-]+", "_", method) + _PER_MOL


def method_of(property_name: str) -> str | None:
    """The method whose energy a property of this name holds; None if it is no energy of a conformer."""
    if property_name == RELATIVE or not property_name.endswith(_PER_MOL):
        return None
    return property_name.removesuffix(_PER_MOL)
