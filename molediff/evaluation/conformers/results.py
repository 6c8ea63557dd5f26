"""What is known of one molecule by one method, and of all molecules by one method."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from rdkit.Chem import Mol

from molediff.runtime.words import counted

if TYPE_CHECKING:
    from molediff.evaluation.conformers.metrics.geometry import Geometry

_FORMER_FIELDS = frozenset(
    ("rmsd", "connectivity", "stereo", "clash_free", "strain", "plausibility", "diversity", "geometry")
)


@dataclass(frozen=True)
class Limits:
    """How far the slow measurements of a molecule go."""

    num_plausibility: int | None = None
    """PoseBusters looks at the first so many conformers; None for all, 0 for none."""

    energy_ratio: bool = False
    """PoseBusters also compares energies (about a second a conformer)."""

    num_relaxed: int = 0
    """The first so many conformers are relaxed by GFN2-xTB."""

    num_relaxed_by_aimnet2: int = 0
    """The first so many conformers are relaxed by AIMNet2."""


UNLIMITED = Limits()


@dataclass(frozen=True)
class MoleculeResult:
    """One molecule by one method, and what the metrics measured of it: `result["rmsd"]`."""

    reference: Mol
    """The molecule as asked for, with its num_references reference conformers."""

    conformers: Mol
    """The same graph with the method's num_returned conformers; none when the method failed."""

    num_requested: int

    seconds: float | None = None
    """Wall time of the method for this molecule; None if the conformers were computed elsewhere."""

    processor_seconds: float | None = None
    """Processor time of all its threads, which other work on the machine does not lengthen; None likewise."""

    limits: Limits = UNLIMITED

    values: Mapping[str, Any] = field(default_factory=dict)
    """By name of the measurement (`Metric.measurement`); arrays over conformers have shape (num_returned,)."""

    def __getitem__(self, measurement: str) -> Any:
        return self.values[measurement]

    def __getattr__(self, name: str) -> Any:
        if name not in _FORMER_FIELDS:
            raise AttributeError(f"a MoleculeResult has no attribute {name!r}")
        warnings.warn(
            f"MoleculeResult.{name} goes in the next release: use result[{name!r}]",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.values[name]

    @property
    def num_returned(self) -> int:
        return int(self.conformers.GetNumConformers())

    @property
    def failed(self) -> bool:
        """Not one conformer was returned."""
        return self.num_returned == 0

    @property
    def num_plausibility_requested(self) -> int:
        """Conformers that PoseBusters would have looked at had the method returned all it was asked for."""
        most = self.limits.num_plausibility
        return self.num_requested if most is None else min(most, self.num_requested)

    @property
    def best(self) -> float:
        """RMSD of the conformer nearest to any reference, in Angstrom; infinity when the method failed."""
        return float("inf") if self.failed else float(self["rmsd"].min())


@dataclass(frozen=True)
class MethodResult:
    """All molecules by one method, in the order of the references."""

    name: str
    molecules: list[MoleculeResult]
    is_data: bool = False
    """The method is the reference geometries themselves."""


@dataclass(frozen=True)
class Comparison:
    """All that the figures of one method are taken from."""

    molecules: Sequence[MoleculeResult]

    data: Sequence[MoleculeResult] = ()
    """The reference geometries of the same molecules, in the same order."""

    usual: Sequence[Geometry] = ()
    """Geometries that define the usual ranges."""

    solved_by_all: Sequence[bool] = ()
    """For each molecule whether every method returned conformers."""

    told: Mapping[str, float] = field(default_factory=dict)
    """Figures that only the method itself can tell, such as what it threw away."""

    @property
    def solved(self) -> list[MoleculeResult]:
        """Molecules with conformers."""
        return [molecule for molecule in self.molecules if not molecule.failed]


def on_graph(reference: Mol, sample: Mol | None) -> Mol:
    """The coordinates of `sample` on the graph of `reference`: what was asked for decides, not what came back.

    Conformers that are not finite are left out; without `sample` there are none.

    Raises:
        ValueError: the atoms are not those of the reference.
    """
    mol = Mol(reference)
    mol.RemoveAllConformers()
    if sample is None:
        return mol
    wanted, given = ([atom.GetAtomicNum() for atom in m.GetAtoms()] for m in (reference, sample))
    if wanted != given:
        raise ValueError(
            f"a method returned {counted(len(given), 'atom')} for a molecule of {len(wanted)}, or "
            "another order of elements: "
            "conformers must have the atoms of the reference, hydrogens included, in its order"
        )
    for conformer in sample.GetConformers():
        if np.isfinite(conformer.GetPositions()).all():
            mol.AddConformer(conformer, assignId=True)
    return mol
