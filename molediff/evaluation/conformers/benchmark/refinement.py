"""What a refiner makes of RDKit's conformers: geometry, ensembles of minima, crystal structures, and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molediff.evaluation.conformers.metrics.coverage import coverage
from molediff.evaluation.conformers.metrics.matching import matching
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.drugs import split_minima
from molediff.molecules.data.minima import load_minima
from molediff.molecules.files.sdf import read_sdf, title_of
from molediff.molecules.generator import ConformerGenerator

Timed = tuple[Chem.Mol, float]
"""Conformers of a molecule, and the seconds of processor time that they took."""


def measure(
    weights: str,
    minima: str,
    ensembles: str | None,
    crystals: str | None,
    num_molecules: int,
    num_crystals: int,
    most_samples: int,
    num_conformers: int,
    threshold: float,
    seed: int,
) -> dict[str, Any]:
    """All parts: ETKDGv3, the same minimized in MMFF94s, and the same refined (configs/benchmark/refinement.yaml)."""
    contest = _Contest(ConformerGenerator.from_pretrained(weights), seed)
    figures: dict[str, Any] = {"geometry": _geometry(contest, minima, num_molecules)}
    if ensembles is not None:
        figures["ensembles"] = _ensembles(contest, ensembles, most_samples, threshold)
    if crystals is not None:
        figures["crystals"] = _crystals(contest, crystals, num_crystals, num_conformers)
    for part, rows in figures.items():
        print(part)
        for row in rows:
            print(
                "  " + "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{v}" for k, v in row.items())
            )
    return figures


class _Contest:
    """The methods, each given the same embedding."""

    def __init__(self, generator: ConformerGenerator, seed: int):
        self.generator, self.seed = generator, seed

    def __call__(self, mol: Chem.Mol, num: int) -> dict[str, Timed]:
        """Conformers by each method, none where it fails, of a molecule with explicit hydrogens."""
        embedded, seconds = _timed(lambda: _embedded(mol, num, self.seed))
        found = {"ETKDGv3": (embedded, seconds)}
        if not embedded.GetNumConformers():
            return {**found, "ETKDGv3 + MMFF94s": found["ETKDGv3"], "ETKDGv3 + refiner": found["ETKDGv3"]}
        minimized, more = _timed(lambda: _minimized(embedded))
        found["ETKDGv3 + MMFF94s"] = (minimized, seconds + more)
        refined, more = _timed(lambda: self._refined(embedded))
        found["ETKDGv3 + refiner"] = (refined, seconds + more)
        return found

    def _refined(self, mol: Chem.Mol) -> Chem.Mol:
        result = self.generator.generate(mol, mol.GetNumConformers(), init="given", max_attempts=1)
        return with_conformers(mol, []) if result.mol is None else result.mol


def _timed(make: Callable[[], Chem.Mol]) -> Timed:
    start = time.process_time()
    with rdBase.BlockLogs():
        return make(), time.process_time() - start


def _embedded(mol: Chem.Mol, num: int, seed: int) -> Chem.Mol:
    blank = Chem.Mol(mol)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]  # the stubs give it another type
    parameters.timeout = 60  # type: ignore[assignment]
    rdDistGeom.EmbedMultipleConfs(blank, num, parameters)
    return blank


def _minimized(mol: Chem.Mol) -> Chem.Mol:
    moved = Chem.Mol(mol)
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(moved):
        rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(moved, maxIters=1000, mmffVariant="MMFF94s")
    # RDKit leaves MMFF's idea of aromaticity behind.
    return with_conformers(mol, [conformer.GetPositions() for conformer in moved.GetConformers()])


def _mean_rows(of_methods: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """Means over molecules, one row a method."""
    return [
        {"method": name, "molecules": len(rows)}
        | {key: float(np.nanmean([r[key] for r in rows])) for key in rows[0]}
        for name, rows in of_methods.items()
        if rows
    ]


# Geometry -----------------------------------------------------------------------------------------------------------


def _geometry(contest: _Contest, path: str, num_molecules: int) -> list[dict[str, Any]]:
    """Mean differences of bond lengths (Angstrom) and angles (degrees) from a minimum of held-out molecules."""
    held_out = split_minima(load_minima(path))[1]
    _, first = np.unique(held_out.packed.molecule[held_out.conformers], return_index=True)
    chosen = first[np.linspace(0, len(first) - 1, min(num_molecules, len(first))).astype(int)]
    rows: dict[str, list[dict[str, float]]] = {}
    for index in np.unique(chosen).tolist():
        minimum = held_out.mol(index)
        found = contest(minimum, 1)
        if not all(mol.GetNumConformers() for mol, _ in found.values()):
            continue  # so that the methods are held against each other on the same molecules
        for name, (mol, _) in found.items():
            rows.setdefault(name, []).append(_differences(mol, minimum))
    return _mean_rows(rows)


def _differences(mol: Chem.Mol, minimum: Chem.Mol) -> dict[str, float]:
    x, y = (m.GetConformer().GetPositions() for m in (mol, minimum))
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in minimum.GetBonds()])
    angles = np.array(
        [
            (first.GetIdx(), atom.GetIdx(), second.GetIdx())
            for atom in minimum.GetAtoms()
            for first in atom.GetNeighbors()
            for second in atom.GetNeighbors()
            if first.GetIdx() < second.GetIdx()
        ]
    ).reshape(-1, 3)
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in minimum.GetAtoms()])
    lengths = np.abs(_lengths(x, bonds) - _lengths(y, bonds))
    turns = np.abs(_angles(x, angles) - _angles(y, angles))
    found = {}
    for name, values, places in (("bonds", lengths, bonds), ("angles", turns, angles)):
        of_heavy = heavy[places].all(1)
        found[f"heavy {name}"] = float(values[of_heavy].mean()) if of_heavy.any() else 0.0
        found[f"hydrogen {name}"] = float(values[~of_heavy].mean()) if (~of_heavy).any() else 0.0
    return found


def _lengths(x: np.ndarray, bonds: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(x[bonds[:, 0]] - x[bonds[:, 1]], axis=1))


def _angles(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    first, second = (x[angles[:, k]] - x[angles[:, 1]] for k in (0, 2))
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    return np.asarray(np.degrees(np.arccos(cosine.clip(-1, 1))))


# Ensembles ----------------------------------------------------------------------------------------------------------


def _ensembles(contest: _Contest, path: str, most_samples: int, threshold: float) -> list[dict[str, Any]]:
    """Coverage (%) and matching (Angstrom) of known minima by twice as many conformers, at most `most_samples`."""
    rows: dict[str, list[dict[str, float]]] = {}
    for references in _by_molecule(path):
        num = min(2 * references.GetNumConformers(), most_samples)
        for name, (mol, seconds) in contest(references, num).items():
            rmsd = rmsd_matrix(references, mol)
            rows.setdefault(name, []).append(
                {
                    "COV-R": 100 * coverage(rmsd, threshold),
                    "MAT-R": matching(rmsd),
                    "COV-P": 100 * coverage(rmsd.T, threshold),
                    "MAT-P": matching(rmsd.T),
                    "ms a conformer": 1000 * seconds / max(1, mol.GetNumConformers()),
                }
            )
    return _mean_rows(rows)


def _by_molecule(path: str) -> Iterator[Chem.Mol]:
    """Molecules of an SDF file, each with all its conformers: records of one title, next to each other."""
    mol: Chem.Mol | None = None
    for record in _records(path):
        if mol is not None and title_of(record) == title_of(mol):
            mol.AddConformer(record.GetConformer(), assignId=True)
            continue
        if mol is not None:
            yield mol
        mol = record
    if mol is not None:
        yield mol


def _records(path: str) -> Iterable[Chem.Mol]:
    for record in read_sdf(path):
        if record is not None:
            Chem.AssignStereochemistryFrom3D(record)
            yield record


# Crystals -----------------------------------------------------------------------------------------------------------


def _crystals(contest: _Contest, path: str, num_molecules: int, num_conformers: int) -> list[dict[str, Any]]:
    """Least RMSD (Angstrom) to crystal conformers, failures as infinite, and seconds a molecule."""
    crystals = list(_records(path))
    chosen = np.unique(np.linspace(0, len(crystals) - 1, min(num_molecules, len(crystals))).astype(int))
    least: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for index in chosen.tolist():
        crystal = Chem.RemoveHs(crystals[index])
        mol = Chem.AddHs(crystal)
        mol.RemoveAllConformers()
        for name, (found, time_taken) in contest(mol, num_conformers).items():
            rmsd = rmsd_matrix(crystal, found)
            least.setdefault(name, []).append(float(rmsd.min()) if rmsd.size else np.inf)
            seconds.setdefault(name, []).append(time_taken)
    rows = []
    for name, values in least.items():
        rmsds = np.array(values)
        rows.append(
            {
                "method": name,
                "molecules": len(rmsds),
                "failures": int(np.isinf(rmsds).sum()),
                "mean": float(rmsds[np.isfinite(rmsds)].mean()),
                "median": float(np.median(rmsds)),
                **{f"below {bound}": float(100 * (rmsds < bound).mean()) for bound in (0.5, 1, 2)},
                "seconds": float(np.mean(seconds[name])),
            }
        )
    return rows
