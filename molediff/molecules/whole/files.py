"""New molecules in files: shapes with what is known of them, or SMILES alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rdkit import Chem

from molediff.molecules.files.io import read_fixed
from molediff.molecules.files.output import check_holds, output_suffix, write
from molediff.molecules.whole.result import NewMolecule
from molediff.runtime.files import complete_file

_GRAPHS_ALONE = ".smi"
_WITH_COORDINATES = (".sdf", ".mol")


def takes_shapes(output: str, num_molecules: int = 1) -> bool:
    """Whether a file of this name holds shapes, as all do but `.smi`.

    Raises:
        ValueError: it is no file of molecules, or of fewer than these.
    """
    if output.lower().endswith(_GRAPHS_ALONE):
        return False
    check_holds(output, num_molecules)
    output_suffix(output)
    return True


def write_molecules(good: Sequence[NewMolecule], output: str) -> None:
    """Write molecules that did not fail, under the names new_0, new_1 and so on, to a file of a kind by its name."""
    names = [f"new_{molecule.number}" for molecule in good]
    if takes_shapes(output):
        write([_as_record(molecule) for molecule in good], output, names)
        return
    with complete_file(output) as file:
        file.writelines(f"{molecule.smiles} {name}\n" for molecule, name in zip(good, names, strict=True))


def read_scaffold_given(scaffold: str | None) -> str | Chem.Mol | None:
    """A scaffold as somebody types it: a SMILES, or an `.sdf` or `.mol` file, whose coordinates are kept."""
    if scaffold is not None and Path(scaffold).suffix.lower() in _WITH_COORDINATES:
        return read_fixed(scaffold)
    return scaffold


def _as_record(molecule: NewMolecule) -> Chem.Mol:
    """The molecule with properties that say what it is and how it was made."""
    assert molecule.mol is not None  # it is a good one
    mol = Chem.Mol(molecule.mol)
    made = {
        "SMILES": molecule.smiles,
        "seed": molecule.seed,
        "number": molecule.number,
        **molecule.provenance,
    }
    for name, value in made.items():
        mol.SetProp(name, str(value))
    return mol
