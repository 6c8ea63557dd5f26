"""What is asked of new molecules: how many atoms, which composition, which scaffold is kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.whole.alphabet import Alphabet
from molediff.molecules.whole.graphs import GraphError, matrix_of, state_of
from molediff.runtime.checks import check_whole_number
from molediff.runtime.words import counted

_PART = re.compile(r"([A-Z][a-z]?)(\d*)")


@dataclass(frozen=True)
class Scaffold:
    """A part that every molecule keeps.

    Attributes:
        mol: the part, without the atoms "*" that mark where it goes on.
        state: its graph.
        attachments: numbers of its atoms that may be bonded to new ones.
        fixed: the part with the coordinates that are to be kept; None if it came without.
    """

    mol: Chem.Mol
    state: np.ndarray
    attachments: tuple[int, ...]
    fixed: Chem.Mol | None

    @property
    def num_atoms(self) -> int:
        """Heavy atoms."""
        return self.mol.GetNumAtoms()


@dataclass(frozen=True)
class Request:
    """What all molecules of a call have in common.

    Attributes:
        sizes: probability of 0, 1, 2, ... heavy atoms, shape (max_nodes + 1,).
        labels: heavy atoms that a composition asks for, as labels; None for any.
        num_hydrogens: hydrogens that it asks for; None for any.
        scaffold: the part to keep; None for none.
    """

    sizes: np.ndarray
    labels: tuple[int, ...] | None = None
    num_hydrogens: int | None = None
    scaffold: Scaffold | None = None
    is_open: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_open", self.labels is None and self.scaffold is None)

    @classmethod
    def read(
        cls,
        alphabet: Alphabet,
        histogram: Sequence[int],
        formulas: Mapping[str, int] | None = None,
        num_atoms: int | None = None,
        composition: str | Mapping[str, int] | None = None,
        scaffold: str | Chem.Mol | None = None,
        attachments: Sequence[int] | None = None,
    ) -> Request:
        """Check what was asked for.

        Args:
            alphabet: of the model.
            histogram: training molecules of 0, 1, 2, ... heavy atoms.
            formulas: training molecules of each formula; None if that is not known.
            num_atoms, composition, scaffold, attachments: see `MoleculeGenerator.generate`.

        Raises:
            ValueError: it cannot be, or the model cannot do it; the message says why.
        """
        sizes = np.asarray(histogram, np.float64)
        labels, num_hydrogens = None, None
        if composition is not None:
            if scaffold is not None:
                raise ValueError("Give a composition or a scaffold, not both.")
            counts = read_formula(composition)
            num_hydrogens = counts.pop("H", None)
            labels = _labels(counts, alphabet)
            _check_valences(counts, num_hydrogens, alphabet, composition)
            _check_formula(counts, num_hydrogens, formulas, composition)
            if num_atoms not in (None, len(labels)):
                raise ValueError(f"{composition} has {len(labels)} heavy atoms, not num_atoms={num_atoms}.")
            num_atoms = len(labels)
        kept = None if scaffold is None else read_scaffold(scaffold, attachments, alphabet)
        if scaffold is None and attachments is not None:
            raise ValueError("attachments are atoms of a scaffold: give scaffold too.")
        least = 0 if kept is None else kept.num_atoms + bool(kept.attachments)
        if num_atoms is not None:
            check_whole_number("num_atoms", num_atoms, least=1)
            if num_atoms >= len(sizes) or not sizes[num_atoms]:
                known = [size for size, count in enumerate(sizes) if count]
                raise ValueError(
                    f"num_atoms={num_atoms}: the model knows {known[0]} to {known[-1]} heavy atoms."
                )
            if num_atoms < least:
                raise ValueError(
                    f"num_atoms={num_atoms} leaves no room for a new atom: the scaffold has {least - 1}."
                )
            sizes = np.where(np.arange(len(sizes)) == num_atoms, 1.0, 0.0)
        sizes = np.where(np.arange(len(sizes)) >= least, sizes, 0.0)
        if not sizes.sum():
            raise ValueError(
                f"The scaffold has {kept.num_atoms if kept else 0} heavy atoms: the model makes molecules of at most "
                f"{len(sizes) - 1}, so that none could be added."
            )
        return cls(sizes / sizes.sum(), labels, num_hydrogens, kept)

    def start(self, num_atoms: int, mask_state: int) -> np.ndarray:
        """The state with all that is known, and the rest masked, int64, shape (T,)."""
        matrix = np.full((num_atoms, num_atoms), mask_state, np.int64)
        if self.labels is not None:
            matrix[np.diag_indices(num_atoms)] = self.labels
        if self.scaffold is not None:
            kept = self.scaffold.num_atoms
            matrix[:kept, :kept] = matrix_of(self.scaffold.state)
            closed = sorted(set(range(kept)) - set(self.scaffold.attachments))
            matrix[kept:, closed] = 0
        return matrix[np.tril_indices(num_atoms)]


def size_at(sizes: np.ndarray, u: float) -> int:
    """The number of heavy atoms in whose share of [0, 1) the number u falls; `sizes` are probabilities of 0, 1, ..."""
    return int(np.searchsorted(sizes.cumsum(), u * sizes.sum(), side="right"))


def read_formula(composition: str | Mapping[str, int]) -> Counter[str]:
    """Atoms of each element of a formula such as "C7H10O2".

    Raises:
        ValueError: it is no formula.
    """
    if isinstance(composition, Mapping):
        found = Counter({str(symbol): count for symbol, count in composition.items()})
        for symbol, count in found.items():
            check_whole_number(f"The number of {symbol} in composition", count, least=0)
        return found
    if not isinstance(composition, str) or not re.fullmatch(rf"({_PART.pattern})+", composition):
        raise ValueError(f"composition is a formula such as 'C7H10O2'; got {composition!r}.")
    counts: Counter[str] = Counter()
    for symbol, count in _PART.findall(composition):
        counts[symbol] += int(count) if count else 1
    return counts


def read_scaffold(scaffold: Any, attachments: Any, alphabet: Alphabet) -> Scaffold:
    """A scaffold from a SMILES or a Mol.

    Raises:
        ValueError: it is no molecule, or not of this alphabet, or an attachment is none of its atoms or is full.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(scaffold) if isinstance(scaffold, str) else scaffold
    if not isinstance(mol, Chem.Mol) or not mol.GetNumAtoms():
        raise ValueError(
            f"scaffold is no molecule that RDKit reads (a valence may be impossible): {scaffold!r}."
        )
    fixed = Chem.Mol(mol) if mol.GetNumConformers() and mol.GetConformer().Is3D() else None
    mol, marked = _without_marks(Chem.RemoveAllHs(Chem.Mol(mol)))
    if marked and attachments is not None:
        raise ValueError("The scaffold marks its attachment points by *: leave attachments out.")
    try:
        state = state_of(mol, alphabet)
    except GraphError as error:
        raise ValueError(f"The scaffold cannot be kept: {error}") from None
    if attachments is not None and (isinstance(attachments, str) or not isinstance(attachments, Iterable)):
        raise ValueError(
            f"attachments must be a list of atoms of the scaffold, such as [0]; got {attachments!r}."
        )
    room = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetTotalNumHs()]
    chosen = marked or (room if attachments is None else [*attachments])
    for number in chosen:
        check_whole_number("An attachment", number, least=0)
        if number not in room:
            raise ValueError(
                f"Atom {number} of the scaffold cannot be an attachment: those with a hydrogen to replace are {room}."
            )
    return Scaffold(mol, state, tuple(sorted({int(number) for number in chosen})), fixed)


def _without_marks(mol: Chem.Mol) -> tuple[Chem.Mol, list[int]]:
    """The molecule without its atoms "*", a hydrogen in the place of each, and the atoms that they hung on."""
    marks = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
    if not marks:
        return mol, []
    edited = Chem.RWMol(mol)
    for index in marks:
        neighbours = edited.GetAtomWithIdx(index).GetNeighbors()
        if len(neighbours) != 1 or mol.GetBondBetweenAtoms(index, neighbours[0].GetIdx()).GetBondType() != (
            Chem.BondType.SINGLE
        ):
            raise ValueError("A * in the scaffold marks an attachment by one single bond.")
        neighbours[0].SetIntProp("attached", 1)
        edited.GetAtomWithIdx(index).SetAtomicNum(1)
    bare = Chem.RemoveAllHs(edited.GetMol())
    return bare, [atom.GetIdx() for atom in bare.GetAtoms() if atom.HasProp("attached")]


def _labels(counts: Counter[str], alphabet: Alphabet) -> tuple[int, ...]:
    of_symbol = {kind.symbol: label for label, kind in enumerate(alphabet.kinds) if not kind.charge}
    unknown = [symbol for symbol in counts if symbol not in of_symbol]
    if unknown:
        raise ValueError(
            f"The model knows no {', '.join(unknown)}; its elements are H, {', '.join(of_symbol)}."
        )
    return tuple(of_symbol[symbol] for symbol in sorted(counts) for _ in range(counts[symbol]))


def _check_formula(
    heavy: Counter[str], num_hydrogens: int | None, formulas: Mapping[str, int] | None, given: Any
) -> None:
    """Raise a ValueError if no training molecule has these atoms."""
    if not sum(heavy.values()):
        raise ValueError(f"The composition {given!r} has no heavy atom.")
    if formulas is None:
        return
    known = set()
    for formula in formulas:
        counts = read_formula(formula)
        hydrogens = counts.pop("H", 0)
        if +counts == +heavy:
            known.add(hydrogens)
    if num_hydrogens in known or (num_hydrogens is None and known):
        return
    hint = "the model knows none like it"
    if known:
        hint = (
            f"with these heavy atoms the model knows {', '.join(map(str, sorted(known)))} hydrogens; without H in the "
            "formula it takes any of these"
        )
    raise ValueError(f"No training molecule has the composition {given!r}: {hint}.")


def _check_valences(heavy: Counter[str], num_hydrogens: int | None, alphabet: Alphabet, given: Any) -> None:
    """Raise a ValueError if no molecule without charges can have these atoms, whatever the model knows."""
    valence = {kind.symbol: kind.valence for kind in alphabet.kinds if not kind.charge}
    most = 2 + sum((valence[symbol] - 2) * count for symbol, count in heavy.items())
    if most < 0:
        raise ValueError(f"No molecule has the composition {given!r}: its atoms cannot all be bonded.")
    if num_hydrogens is not None and (num_hydrogens > most or (most - num_hydrogens) % 2):
        raise ValueError(
            f"No molecule has the composition {given!r}: its heavy atoms take "
            f"{counted(most, 'hydrogen')} at most, and only "
            f"{'odd' if most % 2 else 'even'} numbers of them."
        )
