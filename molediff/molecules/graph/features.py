"""What the networks are told about a molecule: small categories of atoms and pairs, and the hand of each centre.

Everything here is a function of the molecular graph with its stereo, not of coordinates, and follows a
renumbering of the atoms.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from molediff.molecules.graph.vocabulary import MAX_CHARGE, QM9, Vocabulary

ELEMENTS = QM9.elements
"""Atomic numbers that the weights trained on QM9 know: H, C, N, O, F."""

_BOND_CODE = {
    Chem.BondType.SINGLE: 1,
    Chem.BondType.DOUBLE: 2,
    Chem.BondType.TRIPLE: 3,
    Chem.BondType.AROMATIC: 4,
}
_HYBRIDIZATION_CODE = {
    Chem.HybridizationType.S: 1,
    Chem.HybridizationType.SP: 2,
    Chem.HybridizationType.SP2: 3,
    Chem.HybridizationType.SP3: 4,
}
_OTHER_HYBRIDIZATION = 5
_CIS, _TRANS = 1, 2
_STEREO_CODE = {
    Chem.BondStereo.STEREOZ: _CIS,
    Chem.BondStereo.STEREOCIS: _CIS,
    Chem.BondStereo.STEREOE: _TRANS,
    Chem.BondStereo.STEREOTRANS: _TRANS,
}
_CHIRAL_SIGN = {Chem.ChiralType.CHI_TETRAHEDRAL_CCW: 1, Chem.ChiralType.CHI_TETRAHEDRAL_CW: -1}

PAIR_TABLE = QM9.pair_table
"""Categories of each packed word of QM9's vocabulary."""


class Features(NamedTuple):
    """Features of one molecule of N atoms.

    Attributes:
        node_codes: uint8, shape (N, len(vocabulary.node_cardinalities)).
        pair_words: pair categories packed in one word (`vocabulary.pair_table` unpacks them), uint16, shape (N, N).
        chiral_index: centre and three neighbours, uint8, shape (4, T).
        chiral_sign: +1 or -1, int8, shape (T,).
        vocabulary: what the codes mean.
    """

    node_codes: np.ndarray
    pair_words: np.ndarray
    chiral_index: np.ndarray
    chiral_sign: np.ndarray
    vocabulary: Vocabulary = QM9


def _check(mol: Chem.Mol, vocabulary: Vocabulary) -> None:
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() not in vocabulary.element_code:
            raise ValueError(
                f"Atom {atom.GetIdx()} is {atom.GetSymbol()}; only {vocabulary.names()} are known: leave this molecule "
                "out."
            )
        if abs(atom.GetFormalCharge()) > MAX_CHARGE:
            raise ValueError(
                f"Atom {atom.GetIdx()} has charge {atom.GetFormalCharge():+d}; only -2 to +2 are known."
            )
        if atom.GetTotalNumHs(includeNeighbors=False):
            raise ValueError("The molecule has implicit hydrogens: call Chem.AddHs first.")
    if mol.GetNumAtoms() > 255:
        raise ValueError(f"The molecule has {mol.GetNumAtoms()} atoms; at most 255 are supported.")


def _node_codes(mol: Chem.Mol, rings: list[list[int]], vocabulary: Vocabulary) -> np.ndarray:
    ring_code = np.ones(mol.GetNumAtoms(), dtype=np.int64)
    for ring in sorted(rings, key=len, reverse=True):
        ring_code[ring] = 1 + vocabulary.ring_code(len(ring))
    rows = []
    for atom in mol.GetAtoms():
        number = atom.GetAtomicNum()
        neighbours = atom.GetNeighbors()
        # RDKit leaves hydrogens that AddHs made without hybridization and gives "S" to those it read.
        hybridization = (
            1 if number == 1 else _HYBRIDIZATION_CODE.get(atom.GetHybridization(), _OTHER_HYBRIDIZATION)
        )
        rows.append(
            (
                vocabulary.element_code[number],
                atom.GetFormalCharge() + MAX_CHARGE + 1,
                1 + len(neighbours),
                1 + sum(neighbour.GetAtomicNum() == 1 for neighbour in neighbours),
                hybridization,
                1 + atom.GetIsAromatic(),
                ring_code[atom.GetIdx()],
            )
        )
    codes = np.array(rows, dtype=np.int64).reshape(mol.GetNumAtoms(), -1)
    if vocabulary.counts_ring_bonds:
        in_rings = [sum(bond.IsInRing() for bond in atom.GetBonds()) for atom in mol.GetAtoms()]
        codes = np.column_stack([codes, np.maximum(in_rings, 1)])
    return np.minimum(codes, np.array(vocabulary.node_cardinalities) - 1).astype(np.uint8)


def _cis_trans(bond: Chem.Bond) -> list[tuple[int, int, int]]:
    """(substituent of one end, substituent of the other, code) for all such pairs of a stereo double bond."""
    code = _STEREO_CODE.get(bond.GetStereo())
    references = tuple(bond.GetStereoAtoms())
    if code is None or len(references) != 2:
        return []
    begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
    # Either end may be the one that RDKit's first reference atom is bonded to.
    if references[0] not in {atom.GetIdx() for atom in begin.GetNeighbors()}:
        references = references[::-1]
    pairs = []
    for first, second in product(begin.GetNeighbors(), end.GetNeighbors()):
        i, j = first.GetIdx(), second.GetIdx()
        if i != end.GetIdx() and j != begin.GetIdx() and i != j:
            flips = (i != references[0]) + (j != references[1])
            pairs.append((i, j, code if flips % 2 == 0 else _CIS + _TRANS - code))
    return pairs


def _pair_words(mol: Chem.Mol, rings: list[list[int]], vocabulary: Vocabulary) -> np.ndarray:
    num_atoms = mol.GetNumAtoms()
    bond_radix, distance_radix, ring_radix, stereo_radix, conjugated_radix = vocabulary.radix
    words = vocabulary.distance_codes(Chem.GetDistanceMatrix(mol)) * distance_radix
    ring_codes = np.zeros((num_atoms, num_atoms), dtype=np.int64)
    for ring in sorted(rings, key=len, reverse=True):
        ring_codes[np.ix_(ring, ring)] = vocabulary.ring_code(len(ring))
    np.fill_diagonal(ring_codes, 0)
    words += ring_codes * ring_radix
    for bond in mol.GetBonds():
        kind = _BOND_CODE.get(bond.GetBondType())
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if kind is None:
            raise ValueError(
                f"The bond between atoms {i} and {j} is {bond.GetBondType()}; only ordinary bonds are known."
            )
        word = kind * bond_radix + int(bond.GetIsConjugated()) * conjugated_radix
        words[i, j] += word
        words[j, i] += word
    stereo = np.zeros((num_atoms, num_atoms), dtype=np.int64)
    for bond in mol.GetBonds():
        for i, j, code in _cis_trans(bond):
            stereo[i, j] = stereo[j, i] = code
    return (words + stereo * stereo_radix).astype(np.uint16)


def _chiral_triples(atom: Chem.Atom) -> list[tuple[int, int, int, int, int]]:
    """(centre, a, b, d, sign) for every triple of neighbours of a specified stereocentre.

    RDKit's tag CCW: seen from the first neighbour, the others turn counter-clockwise. With neighbours p, q, r, s
    in RDKit's order that makes p . (q x r) positive; leaving out another one alternates the sign. With three
    neighbours, the lone pair takes the place of the last.
    """
    sign = _CHIRAL_SIGN.get(atom.GetChiralTag())
    neighbours = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
    if sign is None or len(neighbours) not in (3, 4):
        return []
    centre = atom.GetIdx()
    triples = [(centre, *neighbours[:3], sign)]
    if len(neighbours) == 4:
        p, q, r, s = neighbours
        triples += [(centre, p, q, s, -sign), (centre, p, r, s, sign), (centre, q, r, s, -sign)]
    return triples


def featurize(mol: Chem.Mol, vocabulary: Vocabulary = QM9) -> Features:
    """Features of a sanitized molecule with explicit hydrogens.

    Args:
        mol: every hydrogen an atom of its own; stereo as tags and bond stereo, its conformers are not read.
        vocabulary: the categories to tell apart.

    Raises:
        ValueError: an element, charge or bond type outside the vocabulary, or implicit hydrogens.
    """
    _check(mol, vocabulary)
    rings = [list(ring) for ring in Chem.GetSymmSSSR(mol)]
    triples = [triple for atom in mol.GetAtoms() for triple in _chiral_triples(atom)]
    chiral = np.array(triples, dtype=np.int64).reshape(-1, 5)
    return Features(
        node_codes=_node_codes(mol, rings, vocabulary),
        pair_words=_pair_words(mol, rings, vocabulary),
        chiral_index=chiral[:, :4].T.astype(np.uint8),
        chiral_sign=chiral[:, 4].astype(np.int8),
        vocabulary=vocabulary,
    )
