"""Conformers as ASE `Atoms`, and molecules from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import PerceptionError
from molediff.molecules.files.records import Record
from molediff.molecules.perception.bonds import perceive
from molediff.runtime.extras import require


def to_ase(records: Sequence[Record]) -> list[Any]:
    """An `ase.Atoms` of each conformer, with `info` on how it was made and its energy, initial charges as in the Mol.

    Raises:
        ModuleNotFoundError: ASE is not installed.
    """
    require("ase", "An Atoms object")
    import ase

    frames = []
    for record in records:
        charges = [atom.GetFormalCharge() for atom in record.mol.GetAtoms()]
        frames.append(
            ase.Atoms(
                numbers=[atom.GetAtomicNum() for atom in record.mol.GetAtoms()],
                positions=record.positions,
                charges=charges if any(charges) else None,
                info={"name": record.title, "charge": sum(charges), **record.properties},
            )
        )
    return frames


def from_ase(atoms: Any, smiles: str | None = None, charge: int | None = None) -> Chem.Mol:
    """A Mol with a conformer for each of some `ase.Atoms` of one molecule, all hydrogens included.

    Bonds are told from the distances of the first frame; every frame must be the same molecule, atom by atom.

    Args:
        atoms: one `ase.Atoms`, or several.
        smiles: which molecule it is: bond orders and charges come from it, and the atoms take its order, as
            `Chem.AddHs(Chem.MolFromSmiles(smiles))` gives it. None: bond orders are told from valences, and the atoms
            keep their order.
        charge: of the whole molecule, without a SMILES; None: what `info["charge"]` says, else 0.

    Raises:
        PerceptionError: the coordinates are not that molecule, or of none at all.
        ValueError: there are no atoms, or frames of different molecules.
        TypeError: something else than `ase.Atoms` is given.
    """
    frames = _frames(atoms)
    if not frames or len(frames[0]) == 0:
        raise ValueError("from_ase takes one ase.Atoms with atoms in it, or several; got none")
    numbers = [int(number) for number in frames[0].numbers]
    if any([int(number) for number in frame.numbers] != numbers for frame in frames):
        raise ValueError(
            "the frames are of different molecules: give those of one molecule, atoms in one order"
        )
    x = np.stack([np.asarray(frame.get_positions(), dtype=np.float64) for frame in frames])
    if smiles is not None:
        numbered = perceive(smiles, numbers, x[0])
        order = _order(numbered.mol.GetConformer().GetPositions(), x[0])
        return with_conformers(numbered.mol, x[:, order])
    total = int(frames[0].info.get("charge", 0)) if charge is None else charge
    return with_conformers(_perceived(numbers, x[0], total), x)


def _frames(atoms: Any) -> list[Any]:
    """What was given as a list; anything that has what is needed of `ase.Atoms` is one."""
    frames = [atoms] if _is_frame(atoms) or not isinstance(atoms, Iterable) else list(atoms)
    for frame in frames:
        if not _is_frame(frame):
            raise TypeError(
                f"from_ase takes one ase.Atoms, or several, as ase.io.read gives them; got {type(frame).__name__}"
            )
    return frames


def _is_frame(given: Any) -> bool:
    return hasattr(given, "get_positions") and hasattr(given, "numbers")


def _order(known: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Which row of `x` each row of `known` is: they are the same numbers in another order."""
    return np.asarray(np.linalg.norm(known[:, None] - x[None], axis=-1).argmin(1))


def _perceived(numbers: Sequence[int], x: np.ndarray, charge: int) -> Chem.Mol:
    bare = Chem.RWMol()
    for number in numbers:
        bare.AddAtom(Chem.Atom(number))
    mol = with_conformers(bare.GetMol(), [x])
    with rdBase.BlockLogs():
        try:
            rdDetermineBonds.DetermineBonds(mol, charge=charge)
            Chem.SanitizeMol(mol)
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no bonds fit"
            raise PerceptionError(
                f"no molecule of charge {charge} is told from these coordinates ({reason}): give its smiles or charge"
            ) from None
    if len(Chem.GetMolFrags(mol)) > 1:
        raise PerceptionError("the atoms are several molecules, too far apart for bonds: give one of them")
    Chem.AssignStereochemistryFrom3D(mol)
    return mol
