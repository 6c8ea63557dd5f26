"""Inputs that nobody asked for: mutated SMILES, odd Mols and what is no molecule at all, from one source of chance."""

from __future__ import annotations

import random
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from fake_generators import random_weights
from rdkit import Chem, rdBase

from molediff import ConformerGenerator, GenerationResult

SMILES = (
    "C", "O", "[H][H]", "CCO", "C[C@H](O)C(N)=O", "C/C=C/C#N", r"F/C=C\F", "C1CC1", "c1ccccc1", "c1cc[nH]c1",
    "CC(=O)[O-]", "C[NH3+]", "C[N+](=O)[O-]", "CN=[N+]=[N-]", "C[N+]#[C-]", "C1C2CC1C2", "C12C3C4C1C5C2C3C45", "O=C=O",
    "C=C=C", "N#N", "[2H]C([2H])O", "[CH3:1][OH:2]", "[H:5][C:1]([H:2])([H:3])[H:4]", "FC(F)(F)F", "CC.O", "[CH3]",
    "OO", "C[C@@H]1CC[C@H](C)CC1", r"C/C=C1\C[C@H](O)C1", "[O-][N+]#N", "C[C@H](O)F |&1:1|", "CCO ethanol",
    "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3",
)  # fmt: skip
LETTERS = "CNOFHcno[]()=#:.\\/@+-0123456789%|&$* \t\n\x00é\ud800\U0001f600"
ODD_OBJECTS: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: 7,
    lambda: float("nan"),
    lambda: b"CCO",
    lambda: ["CCO", ["CCO"]],
    lambda: {"smiles": "CCO"},
    lambda: np.array(["CCO", "C"]),
    lambda: np.str_("CCO"),
    object,
    lambda: Chem.Mol,
    lambda: Chem.Atom(6),
    lambda: Chem.Mol.__new__(Chem.Mol),
    lambda: _Silent(),
    lambda: _nested(5000),
    lambda: "C" * 100_000,
    lambda: "C(" * 3000,
)


class _Silent:
    def __repr__(self) -> str:
        raise RuntimeError("it has no name")


def _nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def odd_input(chance: random.Random) -> Any:
    """One input: in half of the cases text, then Mols, then anything."""
    kind = chance.randrange(8)
    if kind < 4:
        return odd_text(chance)
    return odd_mol(chance) if kind < 7 else chance.choice(ODD_OBJECTS)()


def odd_text(chance: random.Random) -> str:
    """A SMILES with up to four mutations."""
    text = chance.choice(SMILES)
    for _ in range(chance.randrange(5)):
        begin = chance.randrange(len(text) + 1)
        end = min(len(text), begin + chance.randrange(4))
        piece = text[begin:end]
        text = chance.choice(
            (
                text[:begin] + text[end:],
                text[:begin] + chance.choice(LETTERS) + text[end:],
                text[:begin] + chance.choice(LETTERS) + text[begin:],
                text[:end] + piece + text[end:],
                text[:begin] + chance.choice(SMILES) + text[begin:],
                text[:begin] + text[begin:].swapcase(),
                text[:begin] + piece[::-1] + text[end:],
            )
        )
    return text


def odd_mol(chance: random.Random) -> Chem.Mol:
    """A Mol with up to four things done to it that only a program does."""
    with rdBase.BlockLogs():
        mol = None
        while mol is None:
            mol = Chem.MolFromSmiles(chance.choice(SMILES[:30]), sanitize=chance.randrange(4) > 0)
        if chance.randrange(3) == 0 and not mol.NeedsUpdatePropertyCache():
            mol = Chem.AddHs(mol)
        mol = Chem.RWMol(mol)
        for _ in range(chance.randrange(5)):
            with suppress(RuntimeError, ValueError, OverflowError, IndexError):  # RDKit may not let it
                chance.choice(_DEEDS)(mol, chance)
        return mol if chance.randrange(2) else mol.GetMol()


def _atom(mol: Chem.RWMol, chance: random.Random) -> Chem.Atom:
    return mol.GetAtomWithIdx(chance.randrange(mol.GetNumAtoms()))


def _bond(mol: Chem.RWMol, chance: random.Random) -> Chem.Bond:
    return mol.GetBondWithIdx(chance.randrange(mol.GetNumBonds()))


def _cut(mol: Chem.RWMol, chance: random.Random) -> None:
    bond = _bond(mol, chance)
    mol.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())


def _crown(mol: Chem.RWMol, chance: random.Random) -> None:
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.full((mol.GetNumAtoms(), 3), chance.choice((0.0, np.nan, np.inf, 1e300))))
    mol.AddConformer(conformer)


_DEEDS: tuple[Callable[[Chem.RWMol, random.Random], Any], ...] = (
    lambda mol, chance: _atom(mol, chance).SetChiralTag(chance.choice(list(Chem.ChiralType.values.values()))),
    lambda mol, chance: _bond(mol, chance).SetBondType(chance.choice(list(Chem.BondType.values.values()))),
    lambda mol, chance: _bond(mol, chance).SetStereo(chance.choice(list(Chem.BondStereo.values.values()))),
    lambda mol, chance: _bond(mol, chance).SetBondDir(chance.choice(list(Chem.BondDir.values.values()))),
    lambda mol, chance: _bond(mol, chance).SetStereoAtoms(
        _atom(mol, chance).GetIdx(), _atom(mol, chance).GetIdx()
    ),
    lambda mol, chance: _bond(mol, chance).SetIsAromatic(True),
    lambda mol, chance: _atom(mol, chance).SetIsAromatic(True),
    lambda mol, chance: _atom(mol, chance).SetFormalCharge(chance.choice((-100, -2, -1, 1, 2, 100))),
    lambda mol, chance: _atom(mol, chance).SetAtomicNum(chance.choice((0, 1, 2, 6, 7, 8, 9, 118))),
    lambda mol, chance: _atom(mol, chance).SetIsotope(chance.choice((0, 2, 999))),
    lambda mol, chance: _atom(mol, chance).SetNumRadicalElectrons(chance.randrange(4)),
    lambda mol, chance: _atom(mol, chance).SetNumExplicitHs(chance.choice((0, 1, 4, 200))),
    lambda mol, chance: _atom(mol, chance).SetNoImplicit(True),
    lambda mol, chance: _atom(mol, chance).SetAtomMapNum(chance.choice((1, 2, 99999))),
    lambda mol, chance: mol.AddBond(
        _atom(mol, chance).GetIdx(), _atom(mol, chance).GetIdx(), Chem.BondType.SINGLE
    ),
    lambda mol, chance: mol.AddAtom(Chem.Atom(chance.choice((0, 1, 6, 9, 92)))),
    lambda mol, chance: mol.RemoveAtom(chance.randrange(mol.GetNumAtoms())),
    _cut,
    _crown,
    lambda mol, chance: mol.SetProp("_Name", "$$$$"),
    lambda mol, chance: mol.ReplaceAtom(chance.randrange(mol.GetNumAtoms()), Chem.AtomFromSmarts("[C,N]")),
)


def generator() -> ConformerGenerator:
    """A small network that draws nonsense: what is tested is what becomes of inputs."""
    return ConformerGenerator(random_weights(), device="cpu")


def run(generator: ConformerGenerator, inputs: list[Any]) -> list[GenerationResult]:
    """The results of `inputs`, one conformer of one step each.

    Raises:
        AssertionError: there is not one result for each, with a status and, unless it is "ok", a reason in one line.
    """
    results = list(generator.generate_many(inputs, num_conformers=1, num_steps=1, max_attempts=1))
    assert len(results) == len(inputs), f"{len(results)} results of {len(inputs)} inputs"
    for result in results:
        assert result.status in ("ok", "partial", "failed"), result.status
        assert (result.status == "ok") == (result.num_conformers == 1), result
        assert result.status == "ok" or result.reason.strip(), f"no reason: {result}"
        assert "\n" not in result.reason, f"several lines: {result.reason!r}"
        (result.smiles + result.reason).encode()
        assert len(result.smiles) + len(result.reason) < 3000, "more text than anybody reads"
    return results


def memory() -> int:
    """Most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def attack(num_inputs: int, seed: int, batch: int = 100) -> Iterator[tuple[int, Counter[str], int]]:
    """Run so many inputs; after each batch: how many there were, the statuses so far, the memory held in bytes.

    Each input comes from its own number, so that batch k of a seed can be run again alone.
    """
    ours, statuses = generator(), Counter[str]()
    for begin in range(0, num_inputs, batch):
        numbers = range(begin, min(begin + batch, num_inputs))
        inputs = [odd_input(random.Random(f"{seed} {number}")) for number in numbers]
        statuses.update(result.status for result in run(ours, inputs))
        yield numbers.stop, statuses, memory()
