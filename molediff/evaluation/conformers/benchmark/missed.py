"""Which bonds weights miss: of the samples of small molecules, what lies beside its minimum, by its surroundings.

A network that was trained on a kind of bond may still have learned it badly. Where more than a few of the samples lie
beside the minima, a result had better say so. What was measured goes to a file beside the weights, which
`molecules.perception.domain` reads.

How well that tells right from wrong is measured twice: on the molecules that it was found by, and on each fifth of them
by what the other four fifths say. Only the second says what to expect of other molecules.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.evaluation.conformers.benchmark.known_molecules import (
    ANGLE_TOLERANCE,
    BOND_TOLERANCE,
    ReferenceGeometry,
    as_sampled,
)
from molediff.evaluation.conformers.references import read_references
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.domain import surroundings
from molediff.molecules.perception.kinds import Kinds
from molediff.runtime.files import write_bytes

_NUM_PARTS = 5


@dataclass(frozen=True)
class Sampled:
    """Conformers of one molecule.

    Attributes:
        right: whether each has all bonds and angles of a minimum, bool, shape (n,).
        beside: of each surrounding of a bond, whether a conformer lies beside the minimum there, bool, shape (n,).
    """

    right: np.ndarray
    beside: dict[str, np.ndarray]


def sampled(generator: ConformerGenerator, mol: Chem.Mol, num_conformers: int, seed: int) -> Sampled:
    """Draw conformers of a molecule whose minima `mol` holds, and look at the surroundings of every bond.

    A bond between heavy atoms is missed if it, another bond of its two atoms or an angle at one of them is wrong.
    """
    blank = Chem.Mol(mol)
    blank.RemoveAllConformers()
    result = generator.generate(blank, num_conformers, seed)
    around = list(surroundings(mol, Kinds(mol)))
    if not result.num_conformers:
        return Sampled(np.zeros(0, bool), {text: np.zeros(0, bool) for _, text in around})
    geometry = ReferenceGeometry(mol)
    bonds, angles = geometry.errors_of_terms(result.ensemble.coordinates)
    wrong = np.concatenate([np.abs(bonds) > BOND_TOLERANCE, np.abs(angles) > ANGLE_TOLERANCE], axis=1)
    beside: dict[str, np.ndarray] = {}
    for pair, text in around:
        near = np.concatenate(
            [np.isin(geometry.bonds, pair).any(-1), np.isin(np.reshape(geometry.angles, (-1, 3))[:, 1], pair)]
        )
        beside[text] = np.any([wrong[:, near].any(1), beside.get(text, np.zeros(len(wrong), bool))], axis=0)
    return Sampled(np.logical_not(wrong.any(axis=1)), beside)


def missed(
    samples: Iterable[Sampled], tolerated: float, ordinary: Iterable[Sampled] = ()
) -> dict[str, tuple[int, int]]:
    """The surroundings beside whose minima too many conformers lie: how many, of how many.

    Args:
        samples: of molecules.
        tolerated: share of the conformers that may.
        ordinary: of other molecules, which only acquit: what is missed in cages alone is not missed in all.
    """
    counts = _counts(samples)
    of_all = dict(counts)
    for text, others in _counts(ordinary).items():
        if text in counts:
            of_all[text] = tuple(np.add(counts[text], others).tolist())
    return {
        text: of_all[text]
        for text in sorted(counts)
        if all(wrong > tolerated * drawn for wrong, drawn in (counts[text], of_all[text]))
    }


def _counts(samples: Iterable[Sampled]) -> dict[str, tuple[int, int]]:
    """Of each surrounding the conformers that lie beside, and all."""
    wrong, drawn = Counter[str](), Counter[str]()
    for one in samples:
        for text, beside in one.beside.items():
            wrong[text] += int(beside.sum())
            drawn[text] += len(beside)
    return {text: (wrong[text], drawn[text]) for text in drawn}


def told_apart(samples: Sequence[Sampled], told: Sequence[bool]) -> dict[str, float]:
    """Conformers that come without a caution and with one, and what share of each is right."""
    figures: dict[str, float] = {}
    for name, wanted in (("plain", False), ("cautioned", True)):
        right = [one.right for one, is_told in zip(samples, told, strict=True) if is_told == wanted]
        of_all = np.concatenate([np.zeros(0, bool), *right])
        figures |= {name: len(of_all), f"{name}_right": float(of_all.mean()) if len(of_all) else float("nan")}
    return figures


def cross_validated(samples: Sequence[Sampled], tolerated: float, seed: int) -> dict[str, float]:
    """`told_apart` of each fifth of the molecules by what the others tell."""
    part = np.random.default_rng(seed).permutation(len(samples)) % _NUM_PARTS
    told = np.zeros(len(samples), bool)
    for number in range(_NUM_PARTS):
        known = missed((one for one, its in zip(samples, part, strict=True) if its != number), tolerated)
        for i in np.flatnonzero(part == number).tolist():
            told[i] = bool(known.keys() & samples[i].beside.keys())
    return told_apart(samples, told.tolist())


def measure(
    references: Sequence[str],
    ordinary: str | None,
    weights: Sequence[str],
    num_conformers: int,
    seed: int,
    tolerated: float,
    num_molecules: int | None,
    folder: str | None,
) -> dict[str, Any]:
    """Run what `configs/benchmark/missed.yaml` asks for: print what is told apart, return that and what is missed."""
    mols = [mol for path in references for mol in read_references(path)[:num_molecules]]
    others = [] if ordinary is None else read_references(ordinary)[:num_molecules]
    found: dict[str, Any] = {}
    for name in weights:
        generator = as_sampled(ConformerGenerator.from_pretrained(name, device="cpu"))
        inside, around = (
            [mol for mol in some if generator.domain is None or not generator.domain.lacks(mol)]
            for some in (mols, others)
        )
        samples, usual = (
            [sampled(generator, mol, num_conformers, seed) for mol in some] for some in (inside, around)
        )
        known = missed(samples, tolerated, usual)
        told = [bool(known.keys() & one.beside.keys()) for one in samples]
        found[name] = {
            "num_molecules": len(inside),
            "ordinary ones told of": sum(bool(known.keys() & one.beside.keys()) for one in usual),
            "on the same molecules": told_apart(samples, told),
            "on others": cross_validated(samples, tolerated, seed),
            "surroundings": known,
        }
        print(f"{name}: { ({**found[name], 'surroundings': len(known)}) }", flush=True)
        if folder is not None:
            content = {
                "weights": generator.metadata.get("sha256"),
                "tolerated": tolerated,
                "surroundings": {text: f"{wrong} of {drawn}" for text, (wrong, drawn) in known.items()},
            }
            text = json.dumps(content, indent=1) + "\n"
            write_bytes(Path(folder, f"{name}.missed.json"), text.encode())
    return found
