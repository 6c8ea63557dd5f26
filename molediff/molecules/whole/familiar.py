"""What of a molecule occurs in training molecules: the surroundings of its atoms, and how its rings are joined.

A data set such as QM9 follows rules that nobody has written down (no enamines, no fluorine on sp3 carbon, few of all
cages). A graph that breaks one mostly shows it in a single atom: with these neighbours, in such a ring, it occurs
nowhere. Graphs whose every atom and ring system occurs are nearly all there is in data, and rarer among those that a
model draws.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

_LARGEST_RING = 6


@dataclass(frozen=True)
class Familiar:
    """All that occurs in some molecules.

    Attributes:
        seen: CRC-32 of each text of `texts_of`.
    """

    seen: frozenset[int]

    @classmethod
    def of(cls, mols: Iterable[Chem.Mol]) -> Familiar:
        """What occurs in molecules (sanitized; hydrogens implicit)."""
        return cls(frozenset(_checksum(text) for mol in mols for text in texts_of(mol)))

    def lacks(self, mol: Chem.Mol) -> list[str]:
        """What of a molecule (sanitized; hydrogens implicit) does not occur, as texts; empty if all does."""
        return sorted({text for text in texts_of(mol) if _checksum(text) not in self.seen})

    def to_text(self) -> str:
        """Text that `from_text` reads."""
        return base64.b64encode(np.array(sorted(self.seen), dtype="<u4").tobytes()).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Familiar:
        """Read what `to_text` wrote."""
        return cls(frozenset(np.frombuffer(base64.b64decode(text), dtype="<u4").tolist()))


def texts_of(mol: Chem.Mol) -> Iterator[str]:
    """The surroundings of each atom of a molecule, then its ring systems, as texts; some may come twice.

    An atom is told by element, charge, hydrogens, aromaticity and its smallest ring; each neighbour by the bond,
    whether that is in a ring, element, charge, aromaticity and degree. A ring system is the rings that share atoms,
    elements and orders of bonds left out.
    """
    rings, atoms = mol.GetRingInfo(), list(mol.GetAtoms())
    kinds, aromatic, ends = [], [], []
    for atom in atoms:
        kinds.append(f"{atom.GetSymbol()}{atom.GetFormalCharge():+d}")
        aromatic.append("a" if atom.GetIsAromatic() else "-")
        ends.append(f"{kinds[-1]}{aromatic[-1]}{atom.GetDegree()}")
    arms: list[list[str]] = [[] for _ in ends]
    in_rings = []
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if bond.IsInRing():
            in_rings.append((i, j))
        text = f"{int(bond.GetBondType())}{'r' if bond.IsInRing() else '-'}"
        arms[i].append(text + ends[j])
        arms[j].append(text + ends[i])
    for i, atom in enumerate(atoms):
        ring = min(rings.MinAtomRingSize(i), _LARGEST_RING)
        yield f"{kinds[i]}H{atom.GetTotalNumHs()}{aromatic[i]}{ring}:{','.join(sorted(arms[i]))}"
    for system in _ring_systems(rings):
        yield _skeleton(system, [(i, j) for i, j in in_rings if i in system])


def _ring_systems(rings: Chem.RingInfo) -> list[set[int]]:
    """Atoms of the rings that share atoms."""
    systems: list[set[int]] = []
    for ring in map(set, rings.AtomRings()):
        joined = [system for system in systems if system & ring]
        systems = [system for system in systems if not system & ring]
        systems.append(ring.union(*joined))
    return systems


def _skeleton(system: set[int], bonds: list[tuple[int, int]]) -> str:
    """Canonical SMILES of a ring system as if all of it were carbon and single bonds."""
    if len(bonds) == len(system):  # one ring
        return f"C1{'C' * (len(system) - 2)}C1"
    bare = Chem.RWMol()
    place = {}
    for index in sorted(system):
        atom = Chem.Atom(6)
        atom.SetNoImplicit(True)
        place[index] = bare.AddAtom(atom)
    for i, j in bonds:
        bare.AddBond(place[i], place[j], Chem.BondType.SINGLE)
    return Chem.MolToSmiles(bare)


def _checksum(text: str) -> int:
    return zlib.crc32(text.encode())
