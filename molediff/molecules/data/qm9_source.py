"""The files of QM9 as the PyPI package `qm9pack` ships them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

PROPERTIES = {
    "rotational_constant_a": ("RotA_GHz", "GHz"),
    "rotational_constant_b": ("RotB_GHz", "GHz"),
    "rotational_constant_c": ("RotC_GHz", "GHz"),
    "dipole_moment": ("Dipole_debye", "D"),
    "polarizability": ("Polarizability_bohr3", "bohr^3"),
    "homo": ("HOMO_au", "Ha"),
    "lumo": ("LUMO_au", "Ha"),
    "gap": ("HOMO_LUMO_gap_au", "Ha"),
    "electronic_spatial_extent": ("R2_bohr2", "bohr^2"),
    "zero_point_energy": ("ZPVE_au", "Ha"),
    "internal_energy_0k": ("InternalEnergy_0K_au", "Ha"),
    "internal_energy_298k": ("InternalEnergy_298K_au", "Ha"),
    "enthalpy_298k": ("Enthalphy_298K_au", "Ha"),
    "free_energy_298k": ("GibbsFreeEnergy_298K_au", "Ha"),
    "heat_capacity": ("Heatcapacity_Cv_cal_mol_K", "cal/(mol K)"),
}
"""Scalar properties: (column of the source, unit) by name."""

_ATOMIC_NUMBERS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}
_NO_PUNCTUATION = str.maketrans("", "", "[]'\" ")


class SourceRow(NamedTuple):
    """One molecule as the source gives it: QM9's number, positions in Angstrom of shape (N, 3)."""

    number: int
    smiles: str
    elements: list[int]
    positions: np.ndarray
    properties: list[float]


def source_parts(source: str | Path | None) -> list[Path]:
    """The CSV parts in folder `source`, or in the installed package; empty if there are none."""
    if source is None:
        package = find_spec("qm9pack")
        if package is None or not package.submodule_search_locations:
            return []
        source = Path(package.submodule_search_locations[0]) / "data"
    return sorted(Path(source).glob("qm9_part*.csv"))


def read_source(parts: Sequence[Path]) -> Iterator[SourceRow]:
    """The molecules of the CSV parts, in order."""
    for part in parts:
        with part.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                numbers = [_ATOMIC_NUMBERS[e] for e in row["Elements"].translate(_NO_PUNCTUATION).split(",")]
                positions = np.array(row["XYZ_Ang"].translate(_NO_PUNCTUATION).split(","), dtype=np.float64)
                properties = [float(row[column]) for column, _ in PROPERTIES.values()]
                yield SourceRow(
                    int(row["Index"]), row["SMILES"], numbers, positions.reshape(-1, 3), properties
                )
