"""Small molecules whose geometry everybody knows: are they returned, and if so, are they right?

Right means: every bond within 0.03 Angstrom and every angle within 4 degrees of one of the molecule's reference
minima. Values are compared between equivalent bonds and angles of a molecule, each set in order of size, so that no
numbering of its hydrogens has to be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.known_minima import ANGLE_TOLERANCE, BOND_TOLERANCE, EquivalentTerms


@dataclass(frozen=True)
class KnownMolecule:
    """What became of one molecule.

    Attributes:
        name: of the molecule, its group before a slash.
        smiles: as asked for.
        num_requested, num_returned: conformers.
        num_right: of the returned ones.
        bond_error: largest error of a bond of the conformers returned, in Angstrom; 0 without any.
        angle_error: largest error of an angle, in degrees; 0 without any.
        reason: of the result.
    """

    name: str
    smiles: str
    num_requested: int
    num_returned: int
    num_right: int
    bond_error: float
    angle_error: float
    reason: str

    @property
    def group(self) -> str:
        """What kind of molecule it is."""
        return self.name.split("/")[0]


class ReferenceGeometry:
    """Bonds and angles of the minima of one molecule.

    Args:
        mol: explicit hydrogens, its conformers are the minima.

    Attributes:
        bonds, angles: atoms of each, (bonds, 2) and (angles, 3), the middle one of an angle second.
    """

    def __init__(self, mol: Chem.Mol):
        self._terms = EquivalentTerms(mol)
        self.bonds, self.angles = self._terms.bonds, self._terms.angles
        self._minima = self._terms.values(np.stack([c.GetPositions() for c in mol.GetConformers()]))

    def errors(self, x: np.ndarray) -> np.ndarray:
        """Largest error of a bond (Angstrom) and of an angle (degrees) of each conformer against the minimum that it
        is nearest to, (n, 2); x: in Angstrom, shape (n, N, 3).
        """
        return np.stack([np.abs(terms).max(1, initial=0.0) for terms in self.errors_of_terms(x)], axis=1)

    def errors_of_terms(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The errors of all `bonds` (n, bonds) and `angles` (n, angles) by themselves, with their signs."""
        apart = [
            mine[:, None] - theirs for mine, theirs in zip(self._terms.values(x), self._minima, strict=True)
        ]
        found = [np.abs(values).max(-1, initial=0.0) for values in apart]
        nearest = np.maximum(found[0] / BOND_TOLERANCE, found[1] / ANGLE_TOLERANCE).argmin(axis=1)
        bonds, angles = (values[np.arange(len(x)), nearest] for values in apart)
        return bonds, angles


def judge(generator: ConformerGenerator, mol: Chem.Mol, num_conformers: int, seed: int) -> KnownMolecule:
    """Sample one molecule and hold it against its minima.

    Args:
        generator: with its weights.
        mol: explicit hydrogens, the minima as conformers, its name as title.
        num_conformers: to ask for.
        seed: of the random numbers.
    """
    blank = Chem.Mol(mol)
    blank.RemoveAllConformers()
    result = generator.generate(blank, num_conformers, seed)
    errors, num = np.zeros((1, 2)), result.num_conformers
    num_right = 0
    if num:
        errors = ReferenceGeometry(mol).errors(result.ensemble.coordinates)
        num_right = int(((errors[:, 0] <= BOND_TOLERANCE) & (errors[:, 1] <= ANGLE_TOLERANCE)).sum())
    name = mol.GetProp("_Name") if mol.HasProp("_Name") else result.smiles
    bond_error, angle_error = map(float, errors.max(0))
    smiles = Chem.MolToSmiles(Chem.RemoveHs(blank))
    return KnownMolecule(name, smiles, num_conformers, num, num_right, bond_error, angle_error, result.reason)


def as_sampled(generator: ConformerGenerator) -> ConformerGenerator:
    """The generator, whose samples are no longer held against the minima that ship: what the weights know alone."""
    if generator.domain is not None:
        generator.domain = replace(generator.domain, ends_in="")
    return generator


def summarize(rows: Sequence[KnownMolecule]) -> dict[str, float]:
    """Share of the conformers asked for that were returned, of these that are right, and of molecules all of whose
    conformers are there and right.
    """
    returned = sum(row.num_returned for row in rows)
    return {
        "num_molecules": len(rows),
        "returned": returned / sum(row.num_requested for row in rows),
        "right": sum(row.num_right for row in rows) / returned if returned else float("nan"),
        "all_right": sum(row.num_right == row.num_requested for row in rows) / len(rows),
    }


def table(rows_of: dict[str, list[KnownMolecule]]) -> str:
    """A Markdown table: a line a group, and returned and right of each set of weights."""
    names = list(rows_of)
    lines = [
        "| group | molecules | " + " | ".join(f"{name}: returned % | right %" for name in names) + " |",
        "|---|---:|" + "---:|---:|" * len(names),
    ]
    groups = list(dict.fromkeys(row.group for row in next(iter(rows_of.values()))))
    for group in [*groups, "all"]:
        cells = []
        for name in names:
            rows = [row for row in rows_of[name] if group in ("all", row.group)]
            figures = summarize(rows)
            right = "–" if np.isnan(figures["right"]) else f"{100 * figures['right']:.1f}"
            cells += [f"{100 * figures['returned']:.1f}", right]
        lines.append(f"| {group} | {len(rows)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def measure(
    references: str,
    weights: Sequence[str],
    num_conformers: int,
    seed: int,
    num_molecules: int | None,
    held_against_minima: bool,
) -> dict[str, Any]:
    """Run what `configs/benchmark/known_molecules.yaml` asks for: print the table, return every molecule's figures."""
    mols = read_references(references)[:num_molecules]
    rows_of = {}
    for name in weights:
        generator = ConformerGenerator.from_pretrained(name, device="cpu")
        generator = generator if held_against_minima else as_sampled(generator)
        rows_of[name] = [judge(generator, mol, num_conformers, seed) for mol in mols]
        print(f"{name}: {summarize(rows_of[name])}", flush=True)
    print(table(rows_of))
    return {
        name: {"summary": summarize(rows), "molecules": [asdict(row) for row in rows]}
        for name, rows in rows_of.items()
    }
