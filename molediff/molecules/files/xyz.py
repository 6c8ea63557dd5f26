"""Extended XYZ: elements, coordinates and what else there is to say in the line between."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rdkit import Chem


def xyz_record(mol: Chem.Mol, conformer_id: int, title: str, properties: Mapping[str, object]) -> str:
    """Extended XYZ: the comment line holds the total charge and the properties as key=value, as ASE reads them."""
    positions = mol.GetConformer(conformer_id).GetPositions()
    entries = {"name": " ".join(title.split()), "charge": Chem.GetFormalCharge(mol), **properties}
    comment = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in entries.items())
    lines = [str(mol.GetNumAtoms()), f"Properties=species:S:1:pos:R:3 {comment}"]
    for atom, (x, y, z) in zip(mol.GetAtoms(), positions, strict=True):
        lines.append(f"{atom.GetSymbol():2s} {x:12.6f} {y:12.6f} {z:12.6f}")
    return "\n".join(lines) + "\n"
