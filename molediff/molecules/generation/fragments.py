"""Rings by themselves: the flexible pieces of a molecule, cut out with what they hang on, to be embedded many times.

A ring has conformations of its own, and a whole molecule is a dear way to find them: an embedding of it costs several
times that of the ring, and each brings one conformation of every ring at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molediff.molecules.pieces import Pieces

MACROCYCLE = 9
"""Atoms of a ring from which on it is embedded with the whole molecule, hydrogens too: those within it take part in how
it is folded."""


@dataclass(frozen=True)
class Fragment:
    """One piece of a molecule and its surroundings.

    Attributes:
        piece: which of `Pieces`.
        mol: the piece, the atoms that it hangs on with their rings and multiple bonds, and hydrogens in place of all
            else.
        atoms: of the molecule, those that the first atoms of `mol` are, hydrogens put in place of others included.
    """

    piece: int
    mol: Chem.Mol
    atoms: np.ndarray


def fragments(mol: Chem.Mol, pieces: Pieces) -> list[Fragment]:
    """Those of the pieces with a ring that bends, macrocycles left out.

    Args:
        mol: explicit hydrogens.
        pieces: of the molecule.
    """
    bent = {int(pieces.of_atom[ring[0]]) for ring in bent_rings(mol) if len(ring) < MACROCYCLE}
    return [_fragment(mol, piece, pieces.of_atom == piece) for piece in sorted(bent)]


def has_macrocycle(mol: Chem.Mol) -> bool:
    """Whether a molecule has a ring of nine atoms or more."""
    return any(len(ring) >= MACROCYCLE for ring in mol.GetRingInfo().AtomRings())


def bent_rings(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Rings of five atoms and more with at least two saturated ones: they pucker."""
    saturated = Chem.HybridizationType.SP3
    return [
        ring
        for ring in mol.GetRingInfo().AtomRings()
        if len(ring) > 4 and sum(mol.GetAtomWithIdx(i).GetHybridization() == saturated for i in ring) > 1
    ]


def _fragment(mol: Chem.Mol, piece: int, inside: np.ndarray) -> Fragment:
    kept = _with_surroundings(mol, inside)
    cut, ends = Chem.RWMol(mol), set[int]()
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if kept[begin] != kept[end]:
            ends.add(end if kept[begin] else begin)
        if not (inside[begin] and inside[end]):
            cut.GetBondWithIdx(bond.GetIdx()).SetStereo(Chem.BondStereo.STEREONONE)
    for atom in cut.GetAtoms():
        if not inside[atom.GetIdx()]:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        if atom.GetIdx() in ends:
            _make_hydrogen(atom)
    atoms = np.array(sorted({*np.flatnonzero(kept).tolist(), *ends}))
    cut.SetStereoGroups([])
    cut.BeginBatchEdit()
    for place in np.setdiff1d(np.arange(mol.GetNumAtoms()), atoms).tolist():
        cut.RemoveAtom(place)
    cut.CommitBatchEdit()
    Chem.SanitizeMol(cut)
    return Fragment(piece, cut.GetMol(), atoms)


def _with_surroundings(mol: Chem.Mol, inside: np.ndarray) -> np.ndarray:
    """The atoms `inside`, their neighbours, and what is tied to these by rings and multiple bonds; bool, (N,)."""
    kept = inside.copy()
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if inside[begin] != inside[end]:
            kept[[begin, end]] = True
    tied = [bond for bond in mol.GetBonds() if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE]
    grows = True
    while grows:
        grows = False
        for bond in tied:
            both = [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()]
            if kept[both].any() and not kept[both].all():
                kept[both], grows = True, True
    for bond in mol.GetBonds():  # hydrogens come along
        for atom, other in (
            (bond.GetBeginAtom(), bond.GetEndAtom()),
            (bond.GetEndAtom(), bond.GetBeginAtom()),
        ):
            if atom.GetAtomicNum() == 1 and kept[other.GetIdx()]:
                kept[atom.GetIdx()] = True
    return kept


def _make_hydrogen(atom: Chem.Atom) -> None:
    atom.SetAtomicNum(1)
    atom.SetFormalCharge(0)
    atom.SetIsotope(0)
    atom.SetNumExplicitHs(0)
    atom.SetNoImplicit(True)
    atom.SetIsAromatic(False)
    atom.SetAtomMapNum(0)
