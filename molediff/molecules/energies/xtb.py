"""GFN2-xTB: energies of conformers and the minima next to them. Needs tblite (`pip install 'molediff[xtb]'`).

Source: Bannwarth et al. 2019 (GFN2-xTB). Set OMP_NUM_THREADS=1: with some tens of atoms threads cost more than
they gain.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.molecules.errors import XTBError
from molediff.runtime.extras import require
from molediff.runtime.former import former_names

KCAL_PER_MOL = 627.5094740631  # in a Hartree (CODATA 2018, thermochemical calorie)
BOHR = 0.529177210903  # in Angstrom

MAX_GRADIENT = 0.25
"""Largest component of the gradient at which a minimum is reached, in kcal/mol/Angstrom. Energies of minima of QM9-like
molecules are then within 0.02 kcal/mol of the bottom."""

_MAX_ITERATIONS = 500
# Lindh et al. 1995 (A model Hessian), table 1, in atomic units, for hydrogen and the second row: force constant,
# steepness and reference distances of the stretches.
_STRETCH = 0.45
_STEEPNESS = np.array([[1.0, 0.3949], [0.3949, 0.28]])
_REFERENCE = np.array([[1.35, 2.10], [2.10, 2.53]])
# Added to its diagonal, also in atomic units, for torsions and whatever else is soft. Between 0.01 and 0.03 it matters
# little: 43 to 46 evaluations a conformer over ten molecules of 9 to 29 atoms; L-BFGS-B takes 64, ASE's BFGS 300.
_SOFT = 0.02


__getattr__ = former_names(__name__, {"XTBFailed": "XTBError"})


def require_tblite() -> None:
    """Raise an ImportError that says what to do unless tblite is installed."""
    require("tblite", "GFN2-xTB")


def energy(mol: Chem.Mol, conf_id: int = -1) -> float:
    """GFN2-xTB energy of one conformer in kcal/mol.

    Args:
        mol: closed shell, explicit hydrogens; its formal charge is the charge.
        conf_id: id of the conformer; -1 is the first.

    Raises:
        ImportError: tblite is not installed.
        XTBError: the electrons find no consistent state.
    """
    return _Energy(mol)(mol.GetConformer(conf_id).GetPositions())[0]


def relax(
    mol: Chem.Mol, conf_id: int = -1, max_gradient: float = MAX_GRADIENT, fixed: Collection[int] = ()
) -> float:
    """Move one conformer, in place, to the next GFN2-xTB minimum, and return its energy in kcal/mol.

    BFGS from a model Hessian, with no change of the configuration or of the bonds forbidden: look at what comes out.

    Args:
        mol: as for `energy`.
        conf_id: id of the conformer; -1 is the first.
        max_gradient: largest component of the gradient to end with, in kcal/mol/Angstrom.
        fixed: atoms that stay where they are.

    Raises:
        ImportError: tblite is not installed.
        XTBError: no minimum found; the conformer is as it was.
    """
    from scipy.optimize import minimize

    energy_and_gradient = _Energy(mol)
    start = np.array(mol.GetConformer(conf_id).GetPositions())
    free = np.setdiff1d(np.arange(len(start)), list(fixed))
    if len(free) == 0:
        return energy_and_gradient(start)[0]

    def placed(x: np.ndarray) -> np.ndarray:
        positions = start.copy()
        positions[free] = x.reshape(-1, 3)
        return positions

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = energy_and_gradient(placed(x))
        return value, gradient[free].ravel()

    hessian = model_hessian(energy_and_gradient.numbers, start)
    hessian = hessian.reshape(len(start), 3, len(start), 3)[free][:, :, free].reshape(3 * len(free), -1)
    inverse = np.linalg.inv(hessian)
    found = minimize(
        function,
        start[free].ravel(),
        jac=True,
        method="BFGS",
        options={"gtol": max_gradient, "maxiter": _MAX_ITERATIONS, "hess_inv0": (inverse + inverse.T) / 2},
    )
    if not np.abs(found.jac).max() <= max_gradient:
        raise XTBError(f"GFN2-xTB relaxation found no minimum in {found.nit} steps: {found.message}")
    mol.GetConformer(conf_id).SetPositions(placed(found.x))
    return float(found.fun)


def model_hessian(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rough second derivatives of any molecule's energy, in kcal/mol/Angstrom^2, shape (3N, 3N), positive definite.

    The stretches of Lindh et al. 1995 between all pairs of atoms (those over two bonds stand for angles), and something
    small on the diagonal.

    Args:
        numbers: atomic numbers of atoms up to neon, shape (N,).
        positions: in Angstrom, shape (N, 3).
    """
    num = len(numbers)
    row = (numbers > 2).astype(int)
    between = (positions[:, None] - positions[None]) / BOHR
    distance = np.maximum(np.linalg.norm(between, axis=-1), 0.5) + np.eye(num)
    steepness, reference = _STEEPNESS[row[:, None], row], _REFERENCE[row[:, None], row]
    constant = _STRETCH * np.exp(steepness * (reference**2 - distance**2)) * (1 - np.eye(num))
    along = between / distance[..., None]
    blocks = constant[..., None, None] * along[..., :, None] * along[..., None, :]
    hessian = -blocks
    hessian[np.arange(num), np.arange(num)] = blocks.sum(1) + _SOFT * np.eye(3)
    return hessian.transpose(0, 2, 1, 3).reshape(3 * num, 3 * num) * KCAL_PER_MOL / BOHR**2


class _Energy:
    """Energy in kcal/mol and gradient (N, 3) in kcal/mol/Angstrom at positions (N, 3) in Angstrom, of one molecule."""

    def __init__(self, mol: Chem.Mol):
        require_tblite()
        self.numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        self._charge = Chem.GetFormalCharge(mol)
        self._calculator: Any = None
        self._last: Any = None

    def __call__(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        from tblite.exceptions import TBLiteRuntimeError, TBLiteValueError
        from tblite.interface import Calculator

        try:
            if self._calculator is None:
                self._calculator = Calculator("GFN2-xTB", self.numbers, positions / BOHR, self._charge)
                self._calculator.set("verbosity", 0)
            self._calculator.update(positions / BOHR)
            # The electrons of the last evaluation are a good first guess; far from it, no guess is better.
            self._last = self._calculator.singlepoint(self._last)
        except (TBLiteRuntimeError, TBLiteValueError) as error:
            if self._last is not None:
                self._last = None
                return self(positions)
            raise XTBError(f"GFN2-xTB failed: {' '.join(str(error).split())}") from error
        return (
            float(self._last.get("energy")) * KCAL_PER_MOL,
            np.array(self._last.get("gradient")) * KCAL_PER_MOL / BOHR,
        )
