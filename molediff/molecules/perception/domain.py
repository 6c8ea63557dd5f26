"""What a set of weights has seen: elements, charges, sizes and the surroundings of every bond.

A network answers for any graph; what it says of a bond between atoms that it never saw bonded so is a guess. The domain
is kept as one small file beside the weights, and what they were measured to miss, although they saw it, as another.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import combinations

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.perception.groups import names_of_bonds
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.known_minima import known_minima

DEFAULT = "qm9"
"""Weights that know small molecules better than all others: what "auto" takes where they know a molecule."""
GENERAL = "drugs"
"""Weights for all others: drug-like molecules of thirteen elements."""

_SHOWN = 3  # groups and bonds that a reason names


@dataclass(frozen=True)
class Domain:
    """The molecules that weights were trained on, in short.

    Attributes:
        elements: symbols.
        charges: formal charges of atoms.
        num_heavy: heavy atoms of the largest molecule.
        surroundings: `checksum` of each bond with the neighbours of its two atoms, orders, elements and charges.
        smallest_outside: heavy atoms of the smallest molecule outside that is sampled; smaller ones were found to
            come out wrong more often than right. 1 leaves none out.
        missed: of the surroundings the ones whose minima samples were measured to lie beside too often.
        ends_in: the method whose minima the weights were taught last ("gfn2"); empty if it is another or not known.
    """

    elements: frozenset[str]
    charges: frozenset[int]
    num_heavy: int
    surroundings: frozenset[int]
    smallest_outside: int = 1
    missed: frozenset[int] = frozenset()
    ends_in: str = ""

    def lacks(self, mol: Chem.Mol, kinds: Kinds | None = None) -> list[str]:
        """What of a molecule (sanitized, explicit hydrogens) was never seen, in words; empty if all was."""
        notes = []
        if foreign := sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - self.elements):
            notes.append(f"the element {', '.join(foreign)}")
        if charges := sorted({atom.GetFormalCharge() for atom in mol.GetAtoms()} - self.charges):
            notes.append(f"an atom of charge {', '.join(f'{charge:+d}' for charge in charges)}")
        num_heavy = sum(atom.GetAtomicNum() > 1 for atom in mol.GetAtoms())
        if num_heavy > self.num_heavy:
            notes.append(f"{num_heavy} heavy atoms, more than {self.num_heavy}")
        if not foreign:
            found = surroundings(mol, kinds or Kinds(mol))
            notes += _named(mol, [bond for bond, text in found if checksum(text) not in self.surroundings])
        return notes

    def misses(self, mol: Chem.Mol, kinds: Kinds | None = None) -> list[str]:
        """Of which bonds of a molecule (sanitized, explicit hydrogens) the minima are missed, in words."""
        if not self.missed:
            return []
        found = surroundings(mol, kinds or Kinds(mol))
        return _named(mol, [bond for bond, text in found if checksum(text) in self.missed])

    @classmethod
    def of(cls, mols: Iterable[Chem.Mol]) -> Domain:
        """The domain of molecules (sanitized, explicit hydrogens)."""
        elements: set[str] = set()
        charges: set[int] = set()
        seen: set[int] = set()
        num_heavy = 0
        with rdBase.BlockLogs():  # those of a generator's reading too
            for mol in mols:
                elements |= {atom.GetSymbol() for atom in mol.GetAtoms()}
                charges |= {atom.GetFormalCharge() for atom in mol.GetAtoms()}
                num_heavy = max(num_heavy, sum(atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()))
                seen |= {checksum(text) for _, text in surroundings(mol, Kinds(mol))}
        return cls(frozenset(elements), frozenset(charges), num_heavy, frozenset(seen))

    def with_molecules(self, mols: Iterable[Chem.Mol]) -> Domain:
        """The domain after training on more molecules (sanitized, explicit hydrogens).

        The size stays as it was: some larger ones among them do not make the weights know all others.
        """
        more = Domain.of(mols)
        return Domain(
            self.elements | more.elements,
            self.charges | more.charges,
            self.num_heavy,
            self.surroundings | more.surroundings,
            self.smallest_outside,
            self.missed,
            self.ends_in,
        )

    def to_json(self) -> str:
        """Text that `from_json` reads."""
        packed = np.array(sorted(self.surroundings), dtype="<u4").tobytes()
        return json.dumps(
            {
                "elements": sorted(self.elements),
                "charges": sorted(self.charges),
                "num_heavy": self.num_heavy,
                "smallest_outside": self.smallest_outside,
                "ends_in": self.ends_in,
                "surroundings": base64.b64encode(packed).decode("ascii"),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Domain:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        packed = np.frombuffer(base64.b64decode(content["surroundings"]), dtype="<u4")
        return cls(
            frozenset(content["elements"]),
            frozenset(content["charges"]),
            content["num_heavy"],
            frozenset(packed.tolist()),
            content.get("smallest_outside", 1),
            ends_in=content.get("ends_in", ""),
        )


def _named(mol: Chem.Mol, bonds: list[tuple[int, int]]) -> list[str]:
    """The first few of bonds by the names of their groups, and how many more."""
    names = names_of_bonds(mol, bonds) if bonds else []
    return names[:_SHOWN] + ([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])


def surroundings(mol: Chem.Mol, kinds: Kinds) -> Iterator[tuple[tuple[int, int], str]]:
    """Atoms of each bond between heavy atoms, and its order with the neighbours of both as a text; of a molecule with
    one heavy atom, that atom, twice.
    """
    around = []
    for i, atom in enumerate(mol.GetAtoms()):
        arms = "".join(sorted(kinds.orders[i][j] + kinds.element[j] for j in kinds.neighbours[i]))
        around.append(f"{kinds.element[i]}{atom.GetFormalCharge():+d}:{arms}")
    heavy = [i for i, element in enumerate(kinds.element) if element != "H"]
    if len(heavy) == 1:
        yield (heavy[0], heavy[0]), around[heavy[0]]
    for i, j in kinds.bonds:
        if kinds.element[i] != "H" and kinds.element[j] != "H":
            first, second = sorted((around[i], around[j]))
            yield (i, j), f"{kinds.orders[i][j]};{first};{second}"


def checksum(text: str) -> int:
    """32 bits of a text, the same everywhere: of ten thousand seen, one unseen in 400,000 is taken for one of them."""
    return zlib.crc32(text.encode())


@cache
def shipped_domain(name: str) -> Domain | None:
    """The domain of weights that ship with the package, by their name; None if none is known."""
    folder = files("molediff").joinpath("weights")
    found, missed = (
        folder.joinpath(f"{_SHARED.get(name, name)}.domain.json"),
        folder.joinpath(f"{name}.missed.json"),
    )
    if not found.is_file():
        return None
    domain = Domain.from_json(found.read_text("utf-8"))
    texts = json.loads(missed.read_text("utf-8"))["surroundings"] if missed.is_file() else ()
    return replace(domain, missed=frozenset(map(checksum, texts)))


def weights_that_know(mol: Chem.Mol) -> list[str]:
    """Weights that ship and are known to return conformers of a molecule (sanitized, explicit hydrogens), best first.

    Of molecules of their domain they return nearly all, but of those with two rings of three on one bond: of thirteen
    bicyclobutanes of open stereo `drugs` returned seven, and of eleven `qm9` and `qm9_fast` none.
    Bicyclobutane itself is left to `drugs`, tetrahedrane to `qm9`, which was trained on it.
    """
    threes = [set(ring) for ring in mol.GetRingInfo().AtomRings() if len(ring) == 3]
    if any(len(one & other) == 2 for one, other in combinations(threes, 2)):
        return [DEFAULT if len(threes) > 2 else GENERAL] if known_minima(mol) else []
    domains = ((name, shipped_domain(name)) for name in (DEFAULT, GENERAL))
    return [name for name, domain in domains if domain and not domain.lacks(mol)]


# Weights that were trained on the same molecules.
_SHARED = {"qm9_distilled": "qm9_fast", "drugs_refiner": "drugs", "drugs_from_noise": "drugs"}
