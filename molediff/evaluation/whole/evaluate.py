"""Everything that is measured of a set of whole molecules, the same for generated ones and for data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.evaluation.whole.metrics.distributions import Geometry, distance, geometry_of, type_distance
from molediff.evaluation.whole.metrics.frechet import Normal, chemnet_features, frechet_distance
from molediff.evaluation.whole.metrics.lookup import lookup_smiles, of_mol, stability
from molediff.molecules.whole.result import NewMolecule
from molediff.runtime.words import counted


@dataclass(frozen=True)
class WholeFigures:
    """Of one set of molecules; shares are of all samples, failures included, unless said otherwise.

    Attributes:
        num_samples: samples.
        faults: those without a shape, by fault.
        atom_stable: share of the atoms that are stable by the look-up; of molecules that have a shape.
        molecule_stable: share of the samples that are.
        valid: share that RDKit reads from the bonds of the look-up.
        unique: of the valid, share of different SMILES.
        novel: of the valid and unique, share that is not in the training data by the same look-up.
        graph_valid: share whose generated graph is a molecule.
        graph_unique, graph_novel: of those, the share of different ones, and of these the share not in training.
        charged: of the graphs that are molecules, the share with a charged atom.
        lengths, angles, dihedrals: Wasserstein-1 distances from the reference, in 0.01 Angstrom and degrees.
        bond_types: total variation of the shares of the types of bonds.
        evaluations: network evaluations a sample, of both networks.
        seconds: processor time a sample.
        fcd: Frechet ChemNet distance of the graphs from those of the reference; NaN where it was not asked for.
    """

    num_samples: int
    faults: dict[str, int]
    atom_stable: float
    molecule_stable: float
    valid: float
    unique: float
    novel: float
    graph_valid: float
    graph_unique: float
    graph_novel: float
    charged: float
    lengths: float
    angles: float
    dihedrals: float
    bond_types: float
    evaluations: float = 0.0
    seconds: float = 0.0
    fcd: float = math.nan
    unstable: tuple[str, ...] = field(default=(), repr=False)

    @property
    def valid_unique_novel(self) -> float:
        """Share of all samples that is valid, unique and novel."""
        return self.valid * self.unique * self.novel


@dataclass(frozen=True)
class Training:
    """What generated molecules are held against.

    Attributes:
        lookup_smiles: training molecules by the look-up.
        graphs: the same by their graphs, without stereo.
        geometry: of reference molecules.
        features: of ChemNet, of their graphs; None: not asked for.
    """

    lookup_smiles: frozenset[str]
    graphs: frozenset[str]
    geometry: Geometry
    features: Normal | None = None


def for_each(name: str, values: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """A value for each of `rows`, of as many values, or of one for all.

    Raises:
        ValueError: there is another number of values.
    """
    if len(values) not in (1, len(rows)):
        raise ValueError(
            f"{name} needs one value, or one for each of {counted(len(rows), 'row')}; got {len(values)}."
        )
    return [*values] * (len(rows) // len(values))


def flat_smiles(mol: Chem.Mol) -> str:
    """Canonical SMILES without stereo and with implicit hydrogens."""
    return Chem.MolToSmiles(Chem.RemoveAllHs(mol), isomericSmiles=False)


def training_of(
    mols: Callable[[int], Chem.Mol],
    num_molecules: int,
    num_reference: int,
    progress: Callable[[str], None] = lambda line: None,
    with_features: bool = False,
) -> Training:
    """Of training molecules with their shape, `mols(i)` for i below `num_molecules`; the first are the reference.

    With features, a Frechet ChemNet distance can be told of what is measured.
    """
    by_lookup, graphs, reference = set(), set(), []
    for number in range(num_molecules):
        mol = mols(number)
        found = lookup_smiles(*of_mol(mol))
        if found is not None:
            by_lookup.add(found)
        graphs.add(flat_smiles(mol))
        if number < num_reference:
            reference.append(mol)
        if (number + 1) % 20000 == 0:
            progress(f"{number + 1} of {num_molecules} training molecules read")
    features = Normal.of(chemnet_features([flat_smiles(mol) for mol in reference])) if with_features else None
    return Training(frozenset(by_lookup), frozenset(graphs), geometry_of(reference), features)


def measure_mols(mols: Sequence[Chem.Mol], training: Training, **more: float) -> WholeFigures:
    """Of molecules that all have a shape, such as data."""
    graphs = [flat_smiles(mol) for mol in mols]
    return _figures(len(mols), mols, graphs, {}, training, **more)


def measure_generated(results: Iterable[NewMolecule], training: Training, seconds: float) -> WholeFigures:
    """Of what the generator handed out; `seconds` are those of the whole."""
    results = list(results)
    shaped = [result.mol for result in results if result.status == "ok" and result.mol is not None]
    graphs = [flat_smiles(result.mol) for result in results if result.mol is not None]
    faults = Counter(result.fault for result in results if result.fault)
    evaluations = sum(result.num_evaluations for result in results) / len(results)
    return _figures(
        len(results),
        shaped,
        graphs,
        dict(faults),
        training,
        evaluations=evaluations,
        seconds=seconds / len(results),
    )


def _fcd(graphs: Sequence[str], features: Normal | None) -> float:
    if features is None or len(graphs) < 2:
        return math.nan
    return frechet_distance(Normal.of(chemnet_features(graphs)), features)


def _figures(
    num: int,
    mols: Sequence[Chem.Mol],
    graphs: Sequence[str],
    faults: dict[str, int],
    training: Training,
    **more: float,
) -> WholeFigures:
    if not mols or not graphs:
        raise ValueError("No sample has a shape: there is nothing to measure.")
    pairs = [of_mol(mol) for mol in mols]
    stable = [stability(*pair) for pair in pairs]
    smiles = [found for pair in pairs if (found := lookup_smiles(*pair)) is not None]
    geometry, reference = geometry_of(mols), training.geometry
    different, different_graphs = set(smiles), set(graphs)
    return WholeFigures(
        num_samples=num,
        faults=faults,
        atom_stable=sum(one.num_stable for one in stable) / sum(one.num_atoms for one in stable),
        molecule_stable=sum(one.stable for one in stable) / num,
        valid=len(smiles) / num,
        unique=len(different) / max(1, len(smiles)),
        novel=len(different - training.lookup_smiles) / max(1, len(different)),
        graph_valid=len(graphs) / num,
        graph_unique=len(different_graphs) / len(graphs),
        graph_novel=len(different_graphs - training.graphs) / len(different_graphs),
        charged=float(np.mean(["+" in text or "-]" in text for text in graphs])),
        lengths=100 * distance(geometry.lengths, reference.lengths),
        angles=distance(geometry.angles, reference.angles),
        dihedrals=distance(geometry.dihedrals, reference.dihedrals),
        bond_types=type_distance(geometry.lengths, reference.lengths),
        fcd=_fcd(graphs, training.features),
        unstable=tuple(flat_smiles(mol) for mol, one in zip(mols, stable, strict=True) if not one.stable),
        **more,
    )
