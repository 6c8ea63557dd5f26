"""From sets of geometries to the table of `perception.ranges`, and what share of other geometries it lets pass."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.data.minima import Minima, mols_of
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.data.range_survey import Survey
from molediff.molecules.data.sdf import hash_split
from molediff.molecules.generation.checks import CHECKS, bond_length
from molediff.molecules.hydrogens import bare_smiles
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import LEAST_SEEN, Ranges

QM9 = "qm9"
# Minima far above the lowest known one of their molecule are strained in ways that nobody wants (amides twisted by 80
# degrees): they are left out where a file tells the energy, an SDF file in this property.
_ENERGY, _HIGHEST = "relative_energy_kcal_mol", 6.0
# Of UFF's rest length: minima that are the molecule lie between 0.86 and 1.25 of it.
_LEAST, _MOST = 0.75, 1.4
# Of QM9's training split: enough for its cages, and the smallest molecules, whose kinds are their own.
_NUM_QM9, _SMALLEST = 20_000, 1_500
# All that there is of a class may be one small molecule: it counts as if it had been seen often.
_SMALL, _TIMES = 4, 2 * LEAST_SEEN
# Minima of rare kinds add what others lack, boron, centres with five and six neighbours and N=S=O, and nothing to the
# names of all else. Of many kinds there are two or three.
_IS_RARE = re.compile(r"B(?!r)|[PS]([+-]\d)?[tadcs]?[56]|I([+-]\d)?[tadcs]?[2-5]|S2d").search
_TIMES_RARE = 2


def read_set(name: str, root: str | Path = "data", held_out: bool = False) -> Iterator[Chem.Mol]:
    """Geometries of a set, or those that are held out of it: a tenth of its molecules, of QM9 the validation split.

    Molecules of up to four heavy atoms are never held out: of many classes there is but one.

    Args:
        name: "qm9", an SDF file with all hydrogens, or a file of scripts/pack_minima.py (.npz).
        root: folder of the QM9 cache.
        held_out: which part.
    """
    if name == QM9:
        qm9 = load_qm9(root)
        members = qm9.members("val" if held_out else "train")
        chosen = (np.arange(len(members)) < _NUM_QM9) | (qm9.index[members] <= _SMALLEST)
        yield from (qm9.dataset.mol(i) for i in members[chosen].tolist())
        return
    if name.endswith(".npz"):
        with rdBase.BlockLogs():
            minima = mols_of(Minima.read(name), _HIGHEST)
            yield from (mol for mol in minima if _is_held_out(mol) == held_out and is_whole(mol))
        return
    opened = gzip.open if name.endswith(".gz") else open
    with opened(name, "rb") as file, rdBase.BlockLogs():
        for mol in Chem.ForwardSDMolSupplier(file, removeHs=False):
            if mol is not None and _is_low(mol) and _is_held_out(mol) == held_out and is_whole(mol):
                yield mol


def is_whole(mol: Chem.Mol) -> bool:
    """Whether no bond has come apart or together, as in minima of stereoisomers that cannot be."""
    x = mol.GetConformer().GetPositions()
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if not _LEAST < np.linalg.norm(x[i] - x[j]) / bond_length(mol, i, j) < _MOST:
            return False
    return True


def _is_low(mol: Chem.Mol) -> bool:
    return not mol.HasProp(_ENERGY) or mol.GetDoubleProp(_ENERGY) <= _HIGHEST


def _is_held_out(mol: Chem.Mol) -> bool:
    return not _is_small(mol) and hash_split(bare_smiles(mol)) == "test"


def _is_small(mol: Chem.Mol) -> bool:
    return bool(mol.GetNumHeavyAtoms() <= _SMALL)


def _is_rare(kind: str) -> bool:
    return _IS_RARE(kind) is not None


def build_ranges(sets: Sequence[str], root: str | Path = "data", rare: Sequence[str] = ()) -> Ranges:
    """Survey all sets but what is held out of them.

    Args:
        sets: see `read_set`.
        root: folder of the QM9 cache.
        rare: sets of which only kinds count that have boron, many neighbours or N=S=O in their names.
    """

    def geometries() -> Iterator[tuple[Chem.Mol, int, Callable[[str], bool] | None]]:
        for name in sets:
            for mol in read_set(name, root):
                yield mol, _TIMES if _is_small(mol) else 1, None
        for name in rare:
            for mol in read_set(name, root):
                yield mol, _TIMES if _is_small(mol) else _TIMES_RARE, _is_rare

    survey = Survey()
    for mol, times, counted in geometries():
        survey.add(mol, times, counted)
    usual = Ranges({}, usual_angles=survey.usual_angles()).usual_angles
    for mol, times, counted in geometries():
        survey.add_bends(mol, usual, times, counted)
    return survey.ranges(
        {"sets": [Path(name).name for name in (*sets, *rare)], "num_conformers": survey.num_conformers}
    )


def pass_rates(mols: Iterable[Chem.Mol], ranges: Ranges | None = None) -> dict[str, float]:
    """Share of geometries that pass each check, and "all" of them.

    Args:
        mols: sanitized, explicit hydrogens, one conformer.
        ranges: the table; that of the package by default.
    """
    passed: Counter[str] = Counter()
    num = 0
    for mol in mols:
        kinds, x = Kinds(mol), np.array(mol.GetConformer().GetPositions())[None]
        results = {make.name: bool(make(mol, kinds, ranges).passes(x)[0]) for make in CHECKS}
        passed.update({name: int(result) for name, result in results.items()})
        passed["all"] += all(results.values())
        num += 1
    return {name: passed[name] / max(num, 1) for name in (*(make.name for make in CHECKS), "all")}
