"""What is measured of one molecule and one method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from rdkit.Chem import Mol

from molediff.evaluation.conformers.metrics.bond_angles import bond_angles
from molediff.evaluation.conformers.metrics.bond_lengths import bond_lengths
from molediff.evaluation.conformers.metrics.clashes import is_clash_free
from molediff.evaluation.conformers.metrics.connectivity import connectivity_matches
from molediff.evaluation.conformers.metrics.diversity import diversity
from molediff.evaluation.conformers.metrics.mmff_strain import mmff_strain
from molediff.evaluation.conformers.metrics.plausibility import plausibility_checks
from molediff.evaluation.conformers.metrics.ring_planarity import ring_planarity
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.evaluation.conformers.metrics.stereo import stereo_matches


@dataclass(frozen=True)
class Geometry:
    """Bond lengths (Angstrom), bond angles (degrees) and ring planarity (Angstrom) of one molecule, by kind."""

    bond_lengths: Mapping[str, np.ndarray]
    bond_angles: Mapping[str, np.ndarray]
    ring_planarity: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, mol: Mol) -> Geometry:
        """Measure all conformers of `mol`."""
        return cls(bond_lengths(mol), bond_angles(mol), ring_planarity(mol))


@dataclass(frozen=True)
class MoleculeResult:
    """One molecule by one method. Arrays over conformers have shape (num_returned,)."""

    reference: Mol
    """The molecule as asked for, with its num_references reference conformers."""

    conformers: Mol
    """The same graph with the method's num_returned conformers; none when the method failed."""

    num_requested: int

    seconds: float | None
    """Wall time of the method for this molecule; None if the conformers were computed elsewhere."""

    processor_seconds: float | None
    """Processor time of all its threads, which other work on the machine does not lengthen; None likewise."""

    rmsd: np.ndarray
    """Heavy-atom RMSD in Angstrom, shape (num_references, num_returned)."""

    connectivity: np.ndarray
    stereo: np.ndarray
    clash_free: np.ndarray

    strain: np.ndarray
    """MMFF94s strain in kcal/mol, NaN where the force field has no parameters."""

    plausibility: list[dict[str, bool]]
    """PoseBusters' checks of the first conformers."""

    num_plausibility_requested: int
    """Conformers that would have been checked had the method returned all it was asked for."""

    diversity: float
    geometry: Geometry = field(repr=False)

    @property
    def num_returned(self) -> int:
        return int(self.conformers.GetNumConformers())

    @property
    def failed(self) -> bool:
        """Not one conformer was returned."""
        return self.num_returned == 0

    @property
    def best(self) -> float:
        """RMSD of the conformer nearest to any reference, in Angstrom; infinity when the method failed."""
        return float("inf") if self.failed else float(self.rmsd.min())


@dataclass(frozen=True)
class MethodResult:
    """All molecules by one method, in the order of the references."""

    name: str
    molecules: list[MoleculeResult]
    is_data: bool = False
    """The method is the reference geometries themselves."""


def measure(
    reference: Mol,
    sample: Mol | None,
    num_requested: int,
    seconds: float | None = None,
    processor_seconds: float | None = None,
    max_plausibility: int | None = None,
    energy_ratio: bool = False,
) -> MoleculeResult:
    """Compute every metric of one molecule.

    Args:
        reference: molecule with explicit hydrogens, the stereo asked for, and its reference conformers.
        sample: the method's conformers, atoms in the order of `reference`; None or without conformers: it failed.
        num_requested: conformers asked for.
        seconds: wall time that the method took.
        processor_seconds: processor time that it took.
        max_plausibility: PoseBusters looks at the first so many conformers; None for all, 0 for none.
        energy_ratio: PoseBusters also compares energies (slow).

    Raises:
        ValueError: `sample` is not the molecule `reference`.
    """
    conformers = on_graph(reference, sample)
    num_checked = num_requested if max_plausibility is None else min(max_plausibility, num_requested)
    return MoleculeResult(
        reference=reference,
        conformers=conformers,
        num_requested=num_requested,
        seconds=seconds,
        processor_seconds=processor_seconds,
        rmsd=rmsd_matrix(reference, conformers),
        connectivity=connectivity_matches(conformers),
        stereo=stereo_matches(conformers),
        clash_free=is_clash_free(conformers),
        strain=mmff_strain(conformers),
        plausibility=plausibility_checks(conformers, num_checked, energy_ratio) if num_checked else [],
        num_plausibility_requested=num_checked,
        diversity=diversity(conformers),
        geometry=Geometry.of(conformers),
    )


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
            f"a method returned {len(given)} atoms for a molecule of {len(wanted)}, or another order of elements: "
            "conformers must have the atoms of the reference, hydrogens included, in its order"
        )
    for conformer in sample.GetConformers():
        if np.isfinite(conformer.GetPositions()).all():
            mol.AddConformer(conformer, assignId=True)
    return mol
