"""Conformers in files: records that follow each other and are of one molecule."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from rdkit import Chem, rdBase

from molediff.molecules.conformers import with_conformers
from molediff.molecules.files.inputs import MoleculeInput
from molediff.runtime.words import counted

_NUMBERED = re.compile(r"_\d+$")


def as_ensembles(inputs: Iterable[MoleculeInput]) -> Iterator[MoleculeInput]:
    """The same molecules, but records that follow each other as conformers of one molecule are one input.

    Such records have three-dimensional coordinates, one title (or none), the same atoms in the same order, bonds and
    stereo. The Mol is that of the first of them with the conformers of all, the data are what all share. In the end a
    warning tells of them.
    """
    num_records = num_molecules = 0
    for group in in_groups(inputs, _are_conformers):
        if len(group) > 1:
            num_records, num_molecules = num_records + len(group), num_molecules + 1
        yield _joined(group)
    if num_records:
        warnings.warn(
            f"{num_records:,} records that follow each other are conformers of {counted(num_molecules, 'molecule')}: "
            "each molecule is taken once, with its conformers",
            stacklevel=1,
        )


def in_groups(
    inputs: Iterable[MoleculeInput], alike: Callable[[MoleculeInput, MoleculeInput], bool]
) -> Iterator[list[MoleculeInput]]:
    """Inputs that follow each other and are alike the first of their group."""
    group: list[MoleculeInput] = []
    for item in inputs:
        if group and not alike(group[0], item):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def of_one_molecule(one: MoleculeInput, other: MoleculeInput) -> bool:
    """Whether two records have one name and one molecule, atom by atom, whatever their stereo."""
    if not isinstance(one.molecule, Chem.Mol) or not isinstance(other.molecule, Chem.Mol):
        return False
    return name_of_all(one) == name_of_all(other) and skeleton(one.molecule) == skeleton(other.molecule)


def name_of_all(item: MoleculeInput) -> str:
    """The name that conformers of one molecule share: records without a title are numbered by the reader."""
    titled = isinstance(item.molecule, Chem.Mol) and item.molecule.HasProp("_Name")
    titled = titled and bool(item.molecule.GetProp("_Name").strip())  # type: ignore[union-attr]
    return item.name if titled else _NUMBERED.sub("", item.name)


def skeleton(mol: Chem.Mol) -> tuple[object, ...]:
    """Atoms and bonds in their order, without stereo: the same for all conformers of one molecule."""
    atoms = tuple((atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetIsotope()) for atom in mol.GetAtoms())
    bonds = frozenset(
        (*sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())), bond.GetBondTypeAsDouble())
        for bond in mol.GetBonds()
    )
    return atoms, bonds


def _are_conformers(one: MoleculeInput, other: MoleculeInput) -> bool:
    if not (_in_space(one.molecule) and _in_space(other.molecule) and of_one_molecule(one, other)):
        return False
    with rdBase.BlockLogs():
        first, second = (Chem.MolToSmiles(item.molecule) for item in (one, other))
    return first == second


def _in_space(molecule: object) -> bool:
    return (
        isinstance(molecule, Chem.Mol) and molecule.GetNumConformers() > 0 and molecule.GetConformer().Is3D()
    )


def _joined(group: list[MoleculeInput]) -> MoleculeInput:
    first = group[0]
    if len(group) == 1 or not isinstance(first.molecule, Chem.Mol):
        return first
    mols = [item.molecule for item in group if isinstance(item.molecule, Chem.Mol)]
    positions = [conformer.GetPositions() for mol in mols for conformer in mol.GetConformers()]
    shared = {
        key: value for key, value in first.data.items() if all(item.data.get(key) == value for item in group)
    }
    mol = with_conformers(first.molecule, positions)
    return replace(first, molecule=mol, name=name_of_all(first), data=shared)
