"""PDB files of small molecules: one model a conformer, each with its own bonds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from molediff.molecules.files.inputs import MoleculeInput, open_text, stem_of
from molediff.molecules.files.sdf import one_line

NO_ORDERS = "Its bonds have no orders, and hydrogens to tell them by are missing: give an SDF or mol2 file, or SMILES."
ONE_MOLECULE = (
    "a .pdb file holds one molecule, whose conformers are its models: write several molecules to an .sdf file, or each "
    "to a .pdb file of its own"
)
_NAME = "REMARK name "


def pdb_record(
    mol: Chem.Mol, conformer_id: int, title: str, properties: Mapping[str, object], number: int = 1
) -> str:
    """One conformer as model `number` of a PDB file, which ends in a line END; coordinates to 0.001 Angstrom.

    Name and properties stand in remarks, a double bond twice in CONECT, as RDKit and others read it.
    """
    block = Chem.MolToPDBBlock(Chem.Mol(mol, confId=conformer_id))
    lines = [line for line in block.splitlines() if line.startswith(("ATOM", "HETATM", "CONECT"))]
    remarks = [f"REMARK {key} {one_line(str(value))}" for key, value in properties.items()]
    return "\n".join([f"MODEL     {number:4d}", _NAME + one_line(title), *remarks, *lines, "ENDMDL"]) + "\n"


def read_pdb(path: Path) -> Iterator[MoleculeInput]:
    """The models of a PDB file, or its only molecule, with hydrogens and coordinates.

    Bond orders are those of CONECT records that repeat double bonds, or of the residues RDKit knows; else they are
    told from the bonds of all atoms, hydrogens included, of a molecule without charge. None, with the reason, where
    that is not possible.
    """
    for number, block in enumerate(_blocks(path), start=1):
        named = [line[len(_NAME) :].strip() for line in block if line.startswith(_NAME)]
        name = next(iter(named), "") or f"{stem_of(path)}_{number}"
        with rdBase.BlockLogs():
            mol = Chem.MolFromPDBBlock("".join(block), removeHs=False)
            complete = None if mol is None else with_bond_orders(mol)
            if complete is not None:
                Chem.AssignStereochemistryFrom3D(complete)
        yield MoleculeInput(complete, name, NO_ORDERS if mol is not None and complete is None else "")


def with_bond_orders(mol: Chem.Mol) -> Chem.Mol | None:
    """`mol` if its bonds have orders or need none, else with orders told from its valences; None if there are none."""
    plain = all(bond.GetBondType() == Chem.BondType.SINGLE for bond in mol.GetBonds())
    complete = not any(atom.GetNumImplicitHs() for atom in mol.GetAtoms())
    if not plain or (complete and any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms())):
        return mol
    if not any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        return None
    filled = Chem.RWMol(mol)
    for atom in filled.GetAtoms():
        atom.SetNoImplicit(True)
        atom.SetNumRadicalElectrons(0)
    try:
        rdDetermineBonds.DetermineBondOrders(filled, charge=0, maxIterations=1000)
        Chem.SanitizeMol(filled)
    except (ValueError, RuntimeError):
        return None
    return filled.GetMol()


def _blocks(path: Path) -> Iterator[list[str]]:
    """The lines of each molecule; bonds that stand behind all models belong to each of them."""
    models: list[list[str]] = [[]]
    with open_text(path) as file:
        for line in file:
            if line.startswith("CONECT") and not any(map(_is_atom, models[-1])):
                for model in models:
                    model.append(line)
            else:
                models[-1].append(line)
            if line.startswith("ENDMDL") or line.rstrip() == "END":
                models.append([])
    yield from (model for model in models if any(map(_is_atom, model)))


def _is_atom(line: str) -> bool:
    return line.startswith(("ATOM", "HETATM"))
