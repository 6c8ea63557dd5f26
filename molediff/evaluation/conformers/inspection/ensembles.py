"""Conformers of files and of results as ensembles, one a molecule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.files.ensembles import in_groups, name_of_all, of_one_molecule
from molediff.molecules.files.export import UNREADABLE
from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.records import Drawn, method_of
from molediff.molecules.files.sdf import data_of
from molediff.molecules.generation.result import GenerationResult

_ASKED = ("SMILES", "smiles")
_MADE = ("weights", "weights_sha256", "solver", "num_steps", "seed", "relax", "noise", "molediff")


@dataclass(frozen=True)
class OwnMolecule:
    """The conformers of one molecule, from wherever they are.

    Attributes:
        name: its title.
        mol: n conformers with the stereo asked for as tags, where `asks_stereo`; None if it could not be read.
        reason: why it could not be read, or what its maker says of it.
        asks_stereo: whether it is known which stereo was asked for.
        energies: in kcal/mol, shape (n,), NaN where not known; None without energies.
        energy_method: their method; empty without energies.
        num_requested: conformers asked for, where that is known.
        num_left_out: duplicates, and conformers above an energy window, where there are fewer for no other reason.
        made: how they were made, by name.
    """

    name: str
    mol: Chem.Mol | None
    reason: str = ""
    asks_stereo: bool = False
    energies: np.ndarray | None = None
    energy_method: str = ""
    num_requested: int | None = None
    num_left_out: int = 0
    made: tuple[tuple[str, str], ...] = ()


def of_result(result: Drawn, name: str) -> OwnMolecule:
    """The ensemble of a result of a generator."""
    facts = {"seed": result.seed, **result.provenance}
    made = tuple((key, str(facts[key])) for key in _MADE if key in facts)
    if not isinstance(result, GenerationResult):
        return OwnMolecule(name, result.mol, result.reason, asks_stereo=True, made=made)
    method, num = result.energy_method or "", result.num_requested
    left_out = result.num_pruned + result.num_outside_window if result.status == "ok" else 0
    return OwnMolecule(name, result.mol, result.reason, True, result.energies, method, num, left_out, made)


def read_own(sources: Sequence[str]) -> Iterator[OwnMolecule]:
    """The ensembles of files with coordinates: `.sdf .mol .mol2 .pdb .xyz`, our `.parquet`, each also `.gz`.

    Records that follow each other with one name and one molecule, atom by atom, are one ensemble. A property
    `..._kcal_per_mol` is its energy, a property `SMILES` says which stereo was asked for.

    Raises:
        ValueError: a source is no such file.
        OSError: it is missing or cannot be read. Both are raised at once.
    """
    return map(_ensemble, in_groups(read_inputs(sources), of_one_molecule))


def _ensemble(group: Sequence[MoleculeInput]) -> OwnMolecule:
    first = group[0]
    if first.molecule is None:
        return OwnMolecule(first.name, None, first.reason or UNREADABLE)
    if isinstance(first.molecule, str):
        return OwnMolecule(
            first.name, None, "It is a SMILES, which has no coordinates: generate conformers first."
        )
    mols = [item.molecule for item in group if isinstance(item.molecule, Chem.Mol)]
    if any(mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D() for mol in mols):
        return OwnMolecule(first.name, None, "The record has no coordinates in three dimensions.")
    name = name_of_all(first) if len(group) > 1 else first.name
    mol = with_conformers(mols[0], [mol.GetConformer().GetPositions() for mol in mols])
    energies, method = _energies(mols)
    asked = _as_asked(mol)
    properties = data_of(mols[0])
    made = tuple((key, properties[key]) for key in _MADE if key in properties)
    return OwnMolecule(name, asked or mol, "", asked is not None, energies, method, made=made)


def _energies(mols: Sequence[Chem.Mol]) -> tuple[np.ndarray | None, str]:
    """Energies in kcal/mol by the first property that is one, and its method."""
    known = [data_of(mol) for mol in mols]
    method = next((found for name in known[0] if (found := method_of(name))), None)
    if method is None:
        return None, ""
    values = np.array([_number(of.get(f"{method}_kcal_per_mol")) for of in known])
    return (values, method) if np.isfinite(values).any() else (None, "")


def _number(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("nan")


def _as_asked(mol: Chem.Mol) -> Chem.Mol | None:
    """The same conformers on the molecule of the property `SMILES`, with its stereo; None if it has none that fits."""
    properties = data_of(mol)
    text = next((properties[name] for name in _ASKED if name in properties), None)
    if text is None:
        return None
    with rdBase.BlockLogs():
        parsed: Chem.Mol | None = Chem.MolFromSmiles(text)
        if parsed is None:
            return None
        asked = Chem.AddHs(parsed)
        plain, pattern = Chem.Mol(mol), Chem.Mol(asked)
        for blank in (plain, pattern):
            Chem.RemoveStereochemistry(blank)
        match = plain.GetSubstructMatch(pattern) if plain.GetNumAtoms() == pattern.GetNumAtoms() else ()
    if len(match) != mol.GetNumAtoms():
        return None
    return with_conformers(asked, [c.GetPositions()[list(match)] for c in mol.GetConformers()])
