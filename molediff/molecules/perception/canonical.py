"""One conformer of a molecule in the order of its own SMILES, with the stereo of its coordinates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import PerceptionError
from molediff.molecules.hydrogens import without_hydrogens
from molediff.runtime.former import former_names

# Neighbours p, q, r, s in RDKit's order with (p - s) . ((q - s) x (r - s)) positive, negative.
_TETRAHEDRAL = (Chem.ChiralType.CHI_TETRAHEDRAL_CCW, Chem.ChiralType.CHI_TETRAHEDRAL_CW)

_MAX_SYMMETRIES = 1000
_ORIGINAL_INDEX = "_molediff_index"

__getattr__ = former_names(__name__, {"assign_hands": "assign_chiral_tags"})


class CanonicalConformer(NamedTuple):
    """A molecule whose atoms are in the order of its SMILES.

    Attributes:
        mol: explicit hydrogens, one conformer, stereo and order of atoms as
            `Chem.AddHs(Chem.MolFromSmiles(smiles))` gives them.
        smiles: canonical isomeric SMILES.
    """

    mol: Chem.Mol
    smiles: str


def canonical_conformer(mol: Chem.Mol, conformer_id: int = -1) -> CanonicalConformer:
    """One conformer of `mol`, stereo taken from it, atoms in the order of the canonical SMILES.

    Args:
        mol: sanitized, explicit hydrogens; unchanged.
        conformer_id: the conformer.

    Raises:
        PerceptionError: the canonical SMILES does not give the molecule back.
    """
    positions = mol.GetConformer(conformer_id).GetPositions()
    mol = Chem.Mol(mol, confId=mol.GetConformer(conformer_id).GetId())
    assign_stereo(mol)
    for atom in mol.GetAtoms():
        atom.SetIntProp(_ORIGINAL_INDEX, atom.GetIdx())
    bare = without_hydrogens(mol)
    # In a few cages RDKit's canonical SMILES states another stereo than the molecule it is written from.
    for canonical in (True, False):
        smiles = Chem.MolToSmiles(bare, canonical=canonical)
        rebuilt = _rebuild(mol, bare, smiles, positions)
        if rebuilt is not None:
            return CanonicalConformer(rebuilt, smiles)
    raise PerceptionError(f"no SMILES written for it gives its stereo back ({smiles})")


def _rebuild(mol: Chem.Mol, bare: Chem.Mol, smiles: str, positions: np.ndarray) -> Chem.Mol | None:
    """The molecule of `smiles`, just written for `bare`, with the coordinates of `mol`; None if it is another."""
    written = json.loads(bare.GetProp("_smilesAtomOutputOrder").replace(",]", "]"))
    order = [bare.GetAtomWithIdx(i).GetIntProp(_ORIGINAL_INDEX) for i in written]
    parsed = Chem.MolFromSmiles(smiles)
    if parsed is None or parsed.GetNumAtoms() != len(order):
        return None
    rebuilt = Chem.AddHs(parsed)
    for symmetry in _symmetries(parsed):
        candidate = _with_hydrogens(mol, [order[i] for i in symmetry])
        if len(candidate) != rebuilt.GetNumAtoms():
            return None
        placed = with_conformers(rebuilt, [positions[candidate]])
        if _shows_its_stereo(placed):
            return placed
    return None


def assign_stereo(mol: Chem.Mol) -> None:
    """Set R/S and E/Z of `mol` from its coordinates, whatever the order of its atoms.

    As `Chem.AssignStereochemistryFrom3D`, but with the chiral tags of `assign_chiral_tags`.
    """
    Chem.DetectBondStereochemistry(mol)
    assign_chiral_tags(mol)
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)


def assign_chiral_tags(mol: Chem.Mol) -> None:
    """Set the chiral tag of every tetrahedral atom of `mol` from its coordinates, stereogenic or not.

    As `Chem.AssignAtomChiralTagsFromStructure`, but the configuration of an atom with four neighbours is that of the
    tetrahedron of all four. RDKit looks at three bonds, and in a cage whose carbon has all its bonds on one side
    its answer depends on which three come first (a few in a thousand molecules of QM9).
    """
    Chem.AssignAtomChiralTagsFromStructure(mol)
    tagged = [a for a in mol.GetAtoms() if a.GetChiralTag() in _TETRAHEDRAL and a.GetDegree() == 4]
    if not tagged:
        return
    corners = np.array([[b.GetOtherAtomIdx(a.GetIdx()) for b in a.GetBonds()] for a in tagged])
    x = mol.GetConformer().GetPositions()[corners]
    edges = x[:, :3] - x[:, 3:]
    volumes = np.einsum("ni,ni->n", edges[:, 0], np.cross(edges[:, 1], edges[:, 2]))
    for atom, volume in zip(tagged, volumes, strict=True):
        atom.SetChiralTag(_TETRAHEDRAL[0] if volume > 0 else _TETRAHEDRAL[1])


def _symmetries(mol: Chem.Mol) -> Iterator[Sequence[int]]:
    """Renumberings of `mol` that keep its graph, stereo aside: first none, then all of them.

    RDKit may write the two centres of a 1,3-disubstituted cyclobutane with both tags inverted: the same molecule,
    but with the two halves of the ring exchanged.
    """
    yield range(mol.GetNumAtoms())
    labelled = Chem.RWMol(mol)
    for atom in labelled.GetAtoms():
        # Isotopes must agree in a match of two molecules: here they carry the number of hydrogens.
        atom.SetIsotope(1 + atom.GetTotalNumHs())
    yield from labelled.GetSubstructMatches(labelled, uniquify=False, maxMatches=_MAX_SYMMETRIES)


def _with_hydrogens(mol: Chem.Mol, order: list[int]) -> list[int]:
    """`order` followed by the hydrogens not yet in it, atom by atom, as AddHs appends them."""
    known = set(order)
    return order + [
        neighbour.GetIdx()
        for i in order
        for neighbour in mol.GetAtomWithIdx(i).GetNeighbors()
        if neighbour.GetAtomicNum() == 1 and neighbour.GetIdx() not in known
    ]


def _shows_its_stereo(mol: Chem.Mol) -> bool:
    """Whether the coordinates of `mol` have all the stereo that `mol` states, atom by atom and bond by bond."""
    seen = Chem.Mol(mol)
    assign_stereo(seen)
    atoms_agree = all(
        a.GetChiralTag() in (Chem.ChiralType.CHI_UNSPECIFIED, b.GetChiralTag())
        for a, b in zip(mol.GetAtoms(), seen.GetAtoms(), strict=True)
    )
    return atoms_agree and all(
        a.GetStereo() in (Chem.BondStereo.STEREONONE, b.GetStereo())
        for a, b in zip(mol.GetBonds(), seen.GetBonds(), strict=True)
    )
