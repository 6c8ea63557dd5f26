"""XYZ: elements, coordinates and what else there is to say in the line between; bonds are told from distances."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from molediff.molecules.files.inputs import CUT_SHORT, MoleculeInput, open_text, stem_of

_NAME = re.compile(r'\bname="((?:[^"\\]|\\.)*)"')
_CHARGE = re.compile(r"\bcharge\s*[=:]\s*\"?([-+]?\d+)\b", re.IGNORECASE)
# Bond orders are found by trying valences: what needs more trials than this has seldom any that fit.
_MAX_TRIALS = 1000
# What orders come to where hydrogens are missing or the charge is another: charges on carbon, but of isocyanides, on
# oxygen, and on sulfur, but of sulfonium; and triple bonds in small rings.
_ODD = tuple(
    map(
        Chem.MolFromSmarts,
        ("[#6+,#8+,#6-,#16+;!$([#6-]#[#7+]);!$([#16X3+]([#6])([#6])[#6])]", "[r3,r4,r5,r6,r7]#[r]"),
    )
)

_MAX_ATOMS = 1000


def xyz_record(mol: Chem.Mol, conformer_id: int, title: str, properties: Mapping[str, object]) -> str:
    """Extended XYZ: the comment line holds the total charge and the properties as key=value, as ASE reads them."""
    positions = mol.GetConformer(conformer_id).GetPositions()
    entries = {"name": " ".join(title.split()), "charge": Chem.GetFormalCharge(mol), **properties}
    comment = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in entries.items())
    lines = [str(mol.GetNumAtoms()), f"Properties=species:S:1:pos:R:3 {comment}"]
    for atom, (x, y, z) in zip(mol.GetAtoms(), positions, strict=True):
        lines.append(f"{atom.GetSymbol():2s} {x:12.6f} {y:12.6f} {z:12.6f}")
    return "\n".join(lines) + "\n"


def read_xyz(path: Path) -> Iterator[MoleculeInput]:
    """The frames of an XYZ file, with hydrogens and coordinates; None, with the reason, for one that makes no molecule.

    Bonds are told from distances and their orders from valences (RDKit's rdDetermineBonds), for the charge that the
    comment states as `charge=-1`, else 0. All atoms must be there, hydrogens too, in closed shells. Stereo is that of
    the coordinates. `name="..."` in the comment, as in our own files, names the molecule.
    """
    with open_text(path) as file:
        number = 0
        while (frame := _frame(file)) is not None:
            number += 1
            lines, comment, problem = frame
            named = _NAME.search(comment)
            title = json.loads(f'"{named[1]}"') if named else ""
            mol, reason = (None, problem) if problem else _molecule(lines, _charge_of(comment))
            if mol is not None and title:
                mol.SetProp("_Name", title)
            yield MoleculeInput(mol, title or f"{stem_of(path)}_{number}", reason)
            if problem:  # where the next frame begins is not known
                return


def _frame(file: TextIO) -> tuple[list[str], str, str] | None:
    """Lines of atoms, the comment, and what is wrong with them; None at the end of the file."""
    head = next((line for line in file if line.strip()), None)
    if head is None:
        return None
    if not head.strip().isdecimal() or not 1 <= int(head) <= _MAX_ATOMS:
        return (
            [],
            "",
            f"A frame begins with its number of atoms, 1 to {_MAX_ATOMS}; got {head.strip()[:40]!r}.",
        )
    comment = file.readline()
    lines = [line for _, line in zip(range(int(head)), file, strict=False)]
    if len(lines) < int(head):
        return [], comment, CUT_SHORT
    return lines, comment, ""


def _charge_of(comment: str) -> int:
    found = _CHARGE.search(comment)
    return int(found[1]) if found else 0


def _molecule(lines: list[str], charge: int) -> tuple[Chem.Mol | None, str]:
    """The molecule of lines such as `C 0.0 0.0 0.0`, or why there is none."""
    atoms = Chem.RWMol()
    conformer = Chem.Conformer(len(lines))
    conformer.Set3D(True)
    for index, line in enumerate(lines):
        atom, position = _atom(line)
        if atom is None:
            return (
                None,
                f"A line of an atom is its element and x, y, z in Angstrom; got {line.strip()[:60]!r}.",
            )
        atoms.AddAtom(atom)
        conformer.SetAtomPosition(index, position)
    atoms.AddConformer(conformer)
    try:
        with rdBase.BlockLogs():
            rdDetermineBonds.DetermineConnectivity(atoms)
            rdDetermineBonds.DetermineBondOrders(
                atoms, charge=charge, embedChiral=True, maxIterations=_MAX_TRIALS
            )
            Chem.SanitizeMol(atoms)
    except (ValueError, RuntimeError):
        return None, _no_bonds(charge)
    mol = atoms.GetMol()
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()) or any(map(mol.HasSubstructMatch, _ODD)):
        return None, _no_bonds(charge)
    return mol, ""


def _no_bonds(charge: int) -> str:
    return (
        f"Its distances give no molecule with closed shells and charge {charge}: state another as charge=1 in the "
        "comment, see that all hydrogens are there, or give an SDF file, which has bonds."
    )


def _atom(line: str) -> tuple[Chem.Atom | None, list[float]]:
    """An atom and where it is; None where the line is none."""
    symbol, *numbers = line.split()[:4] or [""]
    try:
        place = [float(number) for number in numbers]
        with rdBase.BlockLogs():
            atom = Chem.Atom(int(symbol) if symbol.isdecimal() else symbol.capitalize())
    except (ValueError, RuntimeError):
        return None, []
    if len(place) != 3 or not all(map(math.isfinite, place)) or not 1 <= atom.GetAtomicNum() <= 118:
        return None, []
    atom.SetNoImplicit(True)
    return atom, place
