"""From coordinates to a molecule: bonds matched to a SMILES, stereo read from the structure.

The result always has its atoms in the order of its own canonical SMILES, hydrogens last, exactly as
`Chem.AddHs(Chem.MolFromSmiles(smiles))` gives them: what is learned from and what is generated from are the
same molecule, feature by feature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDetermineBonds

from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import PerceptionError
from molediff.molecules.perception.canonical import canonical_conformer

# Distance thresholds for a bond, as multiples of the sum of covalent radii. The bridges of bicyclo[1.1.1] and
# [2.1.1] cages lie 1.8 to 2.1 Angstrom apart without a bond: below RDKit's default tolerance, above these.
TIGHTER_THRESHOLDS = (1.3, 1.25, 1.2, 1.15, 1.1)

# Covalent radii in Angstrom for single, double and triple bonds, Pyykko and Atsumi 2009, tables 2 and 3.
_RADII = {
    6: (0.75, 0.67, 0.60),
    7: (0.71, 0.60, 0.54),
    8: (0.63, 0.57, 0.53),
    9: (0.64, 0.59, 0.53),
}

_MAX_MATCHES = 1000


class Perceived(NamedTuple):
    """A molecule read from coordinates.

    Attributes:
        mol: explicit hydrogens, stereo from 3D, one conformer, atoms in the order of `smiles`.
        smiles: canonical isomeric SMILES.
        method: how connectivity was found: "default", or the threshold that was needed.
    """

    mol: Chem.Mol
    smiles: str
    method: str


def perceive(smiles: str, elements: Sequence[int], positions: np.ndarray) -> Perceived:
    """Read the molecule `smiles` off its coordinates.

    Connectivity comes from the coordinates alone; it must equal that of the SMILES, which then gives bond orders
    and charges. RDKit's default connectivity is tried first, then ever tighter thresholds.

    Args:
        smiles: constitution; stereo in it is not used.
        elements: atomic numbers, hydrogens included, length N.
        positions: coordinates in Angstrom, shape (N, 3).

    Raises:
        PerceptionError: with the reason.
    """
    template = Chem.MolFromSmiles(smiles)
    if template is None:
        raise PerceptionError("RDKit cannot read the SMILES")
    Chem.RemoveStereochemistry(template)
    template = Chem.RemoveHs(template)  # a hydrogen that was written out for its stereo
    wanted = _template_skeleton(template)
    reasons = []
    for method, connected in _connectivities(elements, positions):
        hydrogens = _hydrogens(connected)
        if hydrogens is None:
            reasons.append("a hydrogen has no bond or several")
            continue
        skeleton = _skeleton(connected, hydrogens)
        excess = skeleton.GetNumBonds() - wanted.GetNumBonds()
        if skeleton.GetNumAtoms() != wanted.GetNumAtoms() or excess:
            reasons.append(
                f"{excess:+d} {'bond' if abs(excess) == 1 else 'bonds'} between heavy atoms against the SMILES"
            )
            continue
        matches = skeleton.GetSubstructMatches(wanted, uniquify=False, maxMatches=_MAX_MATCHES)
        if matches:
            mol = _dress(template, _best_match(template, matches, hydrogens, positions), hydrogens, positions)
            return Perceived(*canonical_conformer(mol), method)
        reasons.append("another constitution than the SMILES")
    raise PerceptionError(f"connectivity does not match the SMILES: {reasons[0]}")


def _connectivities(elements: Sequence[int], positions: np.ndarray) -> Iterator[tuple[str, Chem.Mol]]:
    """Connectivities of the coordinates, the plainest first."""
    atoms = Chem.RWMol()
    for number in elements:
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        atoms.AddAtom(atom)
    atoms = with_conformers(atoms.GetMol(), [positions])
    mol = Chem.Mol(atoms)
    rdDetermineBonds.DetermineConnectivity(mol)
    yield "default", mol
    for factor in TIGHTER_THRESHOLDS:
        mol = Chem.Mol(atoms)
        rdDetermineBonds.DetermineConnectivity(mol, useVdw=True, covFactor=factor)
        yield f"{factor:g} x covalent radii", mol


def _hydrogens(mol: Chem.Mol) -> dict[int, list[int]] | None:
    """The hydrogens of each heavy atom; None if some hydrogen has not exactly one bond."""
    found: dict[int, list[int]] = {atom.GetIdx(): [] for atom in mol.GetAtoms() if atom.GetAtomicNum() != 1}
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 1:
            neighbours = atom.GetNeighbors()
            if len(neighbours) != 1 or neighbours[0].GetIdx() not in found:
                return None
            found[neighbours[0].GetIdx()].append(atom.GetIdx())
    return found


def _bare_atom(number: int, num_hydrogens: int) -> Chem.Atom:
    atom = Chem.Atom(number)
    atom.SetNoImplicit(True)
    # Isotopes must agree in a match of two molecules: here they carry the number of hydrogens.
    atom.SetIsotope(1 + num_hydrogens)
    return atom


def _skeleton(mol: Chem.Mol, hydrogens: dict[int, list[int]]) -> Chem.Mol:
    """Heavy atoms with their numbers of hydrogens and single bonds, in the order of `hydrogens`."""
    new_index = {i: k for k, i in enumerate(hydrogens)}
    skeleton = Chem.RWMol()
    for i, attached in hydrogens.items():
        skeleton.AddAtom(_bare_atom(mol.GetAtomWithIdx(i).GetAtomicNum(), len(attached)))
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if i in new_index and j in new_index:
            skeleton.AddBond(new_index[i], new_index[j], Chem.BondType.SINGLE)
    return skeleton.GetMol()


def _template_skeleton(template: Chem.Mol) -> Chem.Mol:
    skeleton = Chem.RWMol()
    for atom in template.GetAtoms():
        skeleton.AddAtom(_bare_atom(atom.GetAtomicNum(), atom.GetTotalNumHs()))
    for bond in template.GetBonds():
        skeleton.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    return skeleton.GetMol()


def _best_match(
    template: Chem.Mol,
    matches: Sequence[Sequence[int]],
    hydrogens: dict[int, list[int]],
    positions: np.ndarray,
) -> list[int]:
    """The atoms of the coordinates for each atom of `template`, bond orders where the bond lengths want them.

    A skeleton may be more symmetric than its bond orders (a cyclobutadiene, a carboxylate): of all matches the
    one whose bond lengths lie closest to the sums of covalent radii is right.
    """
    heavy = np.array(list(hydrogens))
    candidates = heavy[np.array(matches)]
    bonds = list(template.GetBonds())
    if len(candidates) == 1 or not bonds:
        return candidates[0].tolist()
    expected = np.array([_expected_length(bond) for bond in bonds])
    begin = candidates[:, [bond.GetBeginAtomIdx() for bond in bonds]]
    end = candidates[:, [bond.GetEndAtomIdx() for bond in bonds]]
    lengths = np.linalg.norm(positions[begin] - positions[end], axis=-1)
    return candidates[((lengths - expected) ** 2).sum(axis=1).argmin()].tolist()


def _expected_length(bond: Chem.Bond) -> float:
    orders = {1.0: (0,), 1.5: (0, 1), 2.0: (1,), 3.0: (2,)}[bond.GetBondTypeAsDouble()]
    ends = (_RADII[bond.GetBeginAtom().GetAtomicNum()], _RADII[bond.GetEndAtom().GetAtomicNum()])
    return float(np.mean([sum(radii[order] for radii in ends) for order in orders]))


def _dress(
    template: Chem.Mol, match: list[int], hydrogens: dict[int, list[int]], positions: np.ndarray
) -> Chem.Mol:
    """`template` with hydrogens and the coordinates of the matched atoms."""
    mol = Chem.AddHs(template)
    order = list(match)
    # AddHs appends the hydrogens of each atom in the atoms' order.
    for i in match:
        order += hydrogens[i]
    return with_conformers(mol, [np.asarray(positions)[order]])
