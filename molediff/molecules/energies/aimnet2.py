"""AIMNet2: energies of conformers and the minima next to them, many at once. Needs `pip install 'molediff[aimnet2]'`.

A neural network that was trained on energies of density functional theory (wB97M-D3, in the gas phase). It knows 14
elements and closed shells. Nothing forbids that bonds change on the way, and in the gas phase a proton of a zwitterion
may move: look at what comes out.

Source: Anstine, Zubatyuk & Isayev 2025 (AIMNet2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from molediff.molecules.energies.aimnet2_model import ELEMENTS, AIMNet2, load_aimnet2
from molediff.molecules.energies.lbfgs import minimize
from molediff.molecules.errors import ForceFieldError
from molediff.runtime.words import counted

NAME = "AIMNet2"

KCAL_PER_EV = 23.060547830619
"""kcal/mol in an electronvolt (CODATA 2018, thermochemical calorie)."""

MAX_FORCE = 0.01
"""Norm of the largest force at which a minimum is reached, in eV/Angstrom (0.23 kcal/mol/Angstrom)."""

MAX_EVALUATIONS = 1000
"""Most evaluations of one conformer; most need 50 to 200."""

# Pairs of atoms in a batch bound the memory: about 3 kB each. On a CPU larger batches are no faster.
_PAIRS = {"cpu": 50_000, "cuda": 1_500_000}
_PADDING = 4  # molecules of up to so many fewer atoms share a batch

OutOfTime = Callable[[], bool]


class RelaxedByAIMNet2(NamedTuple):
    """What became of the n conformers of a molecule.

    Attributes:
        energies: in kcal/mol, total, shape (n,); NaN where it was not finite or the time was up.
        converged: whether it is at a minimum, bool, shape (n,).
        late: whether the time was up before it was done, bool, shape (n,); these have not moved.
        largest_force: in eV/Angstrom, shape (n,).
        num_evaluations: shape (n,).
    """

    energies: np.ndarray
    converged: np.ndarray
    late: np.ndarray
    largest_force: np.ndarray
    num_evaluations: np.ndarray


def check_domain(mol: Chem.Mol) -> None:
    """See to it that AIMNet2 describes a molecule.

    Raises:
        ForceFieldError: it has an element that the network does not know, or unpaired electrons.
    """
    unknown = sorted({a.GetSymbol() for a in mol.GetAtoms() if a.GetAtomicNum() not in ELEMENTS})
    if unknown:
        raise ForceFieldError(
            f"{NAME} does not know {', '.join(unknown)}, only H B C N O F Si P S Cl As Se Br I"
        )
    electrons = sum(a.GetAtomicNum() for a in mol.GetAtoms()) - Chem.GetFormalCharge(mol)
    radicals = sum(a.GetNumRadicalElectrons() for a in mol.GetAtoms())
    if radicals or electrons % 2:
        what = counted(radicals, "unpaired electron") if radicals else f"{electrons} electrons, an odd number"
        raise ForceFieldError(f"{NAME} knows closed shells alone; this molecule has {what}")


def energies(
    mol: Chem.Mol,
    device: str | torch.device = "cpu",
    out_of_time: OutOfTime = lambda: False,
    model: AIMNet2 | None = None,
) -> np.ndarray:
    """Energy of every conformer in kcal/mol, float64, shape (n,); NaN if it is not finite or the time was up.

    Args:
        mol: closed shell, explicit hydrogens; its formal charge is the charge.
        device: "cpu" or "cuda".
        out_of_time: asked before each batch.
        model: None loads the installed one.

    Raises:
        ForceFieldError: see `check_domain`.
        ImportError: the network is not installed.
    """
    check_domain(mol)
    model = model or load_aimnet2(device)
    group = _Group.of([mol], model.device)
    found = np.full(len(group.positions), np.nan)
    for begin in range(0, len(found), group.batch):
        if out_of_time():
            break
        rows = torch.arange(begin, min(begin + group.batch, len(found)), device=model.device)
        found[begin : begin + group.batch] = group.potential(model)(group.positions[rows], rows)[0].cpu()
    return np.where(np.isfinite(found), found * KCAL_PER_EV, np.nan)


def relax(
    mol: Chem.Mol,
    fixed: Collection[int] = (),
    device: str | torch.device = "cpu",
    out_of_time: OutOfTime = lambda: False,
    max_force: float = MAX_FORCE,
    max_evaluations: int = MAX_EVALUATIONS,
    model: AIMNet2 | None = None,
) -> RelaxedByAIMNet2:
    """Move every conformer of `mol`, in place, to its next minimum, all in one batch or as many as memory allows.

    Args:
        mol: as for `energies`.
        fixed: atoms that stay where they are.
        device: "cpu" or "cuda".
        out_of_time: asked at each step; once it says yes, what is not yet done is left as it was.
        max_force: norm of the largest force at which a minimum is reached, in eV/Angstrom.
        max_evaluations: most of one conformer.
        model: None loads the installed one.

    Raises:
        ForceFieldError: see `check_domain`.
        ImportError: the network is not installed.
    """
    return relax_many([mol], [fixed], device, out_of_time, max_force, max_evaluations, model)[0]


def relax_many(
    mols: Sequence[Chem.Mol],
    fixed: Sequence[Collection[int]] | None = None,
    device: str | torch.device = "cpu",
    out_of_time: OutOfTime = lambda: False,
    max_force: float = MAX_FORCE,
    max_evaluations: int = MAX_EVALUATIONS,
    model: AIMNet2 | None = None,
) -> list[RelaxedByAIMNet2]:
    """The same for all conformers of many molecules; those of similar size share batches.

    Args:
        mols: as for `energies`.
        fixed: of each molecule the atoms that stay where they are; None: all move.
        Others as of `relax`.

    Raises:
        ForceFieldError: see `check_domain`; nothing has moved.
        ImportError: the network is not installed.
    """
    for mol in mols:
        check_domain(mol)
    held = fixed if fixed is not None else [()] * len(mols)
    model = model or load_aimnet2(device)
    by_size: defaultdict[int, list[int]] = defaultdict(list)
    for place, mol in enumerate(mols):
        by_size[-(-mol.GetNumAtoms() // _PADDING)].append(place)
    results: list[RelaxedByAIMNet2] = [_NOTHING] * len(mols)
    for size in sorted(by_size):
        places = by_size[size]
        group = _Group.of([mols[place] for place in places], model.device, [held[place] for place in places])
        if not len(group.positions):
            continue
        found = minimize(
            group.potential(model),
            group.positions,
            group.free,
            max_force,
            max_evaluations,
            group.batch,
            out_of_time,
        )
        moved = (found.positions - group.positions).cpu().numpy()
        numbers = [part.cpu().numpy() for part in found[1:]]
        numbers[0] = numbers[0] * KCAL_PER_EV
        begin = 0
        for place in places:
            end = begin + mols[place].GetNumConformers()
            _move(mols[place], moved[begin:end])
            energy, force, converged, count, late = (part[begin:end] for part in numbers)
            results[place] = RelaxedByAIMNet2(energy, converged, late, force, count)
            begin = end
    return results


_NOTHING = RelaxedByAIMNet2(*(np.empty(0, kind) for kind in (float, bool, bool, float, int)))


def _move(mol: Chem.Mol, moved: np.ndarray) -> None:
    for conformer, by in zip(mol.GetConformers(), moved, strict=True):
        conformer.SetPositions(conformer.GetPositions() + by[: mol.GetNumAtoms()])


class _Group(NamedTuple):
    """Conformers of molecules of similar size, one behind the other, padded to the largest.

    Attributes:
        numbers: shape (n, N); 0 is padding.
        charges: shape (n,).
        positions: shape (n, N, 3), float64.
        free: atoms that move, shape (n, N).
        batch: most of them at once.
    """

    numbers: Tensor
    charges: Tensor
    positions: Tensor
    free: Tensor
    batch: int

    @classmethod
    def of(
        cls,
        mols: Sequence[Chem.Mol],
        device: torch.device,
        fixed: Sequence[Collection[int]] | None = None,
    ) -> _Group:
        size = max((mol.GetNumAtoms() for mol in mols), default=0)
        num = sum(mol.GetNumConformers() for mol in mols)
        numbers, charges = np.zeros((num, size), np.int64), np.zeros(num, np.float32)
        positions, free = np.zeros((num, size, 3)), np.zeros((num, size), bool)
        row = 0
        for place, mol in enumerate(mols):
            atoms = mol.GetNumAtoms()
            elements = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
            for conformer in mol.GetConformers():
                numbers[row, :atoms], charges[row] = elements, Chem.GetFormalCharge(mol)
                positions[row, :atoms], free[row, :atoms] = conformer.GetPositions(), True
                if fixed is not None:
                    free[row, list(fixed[place])] = False
                row += 1
        batch = max(1, _PAIRS.get(device.type, _PAIRS["cpu"]) // max(size, 1) ** 2)
        z, q, x, moves = (torch.from_numpy(array).to(device) for array in (numbers, charges, positions, free))
        return cls(z, q, x, moves, batch)

    def potential(self, model: AIMNet2) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Energies in eV and forces in eV/Angstrom of some of them."""
        return lambda positions, rows: model(self.numbers[rows], self.charges[rows], positions)
