"""Which molecules get a reference ensemble: drawn from QM9, or the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.qm9 import QM9
from molediff.molecules.errors import UnusableInputError
from molediff.molecules.files.io import MoleculeInput
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.hydrogens import bare_smiles
from molediff.runtime.former import former_names
from molediff.runtime.words import counted

__getattr__ = former_names(__name__, {"Task": "EnsembleTask"})


class EnsembleTask(NamedTuple):
    """A molecule whose ensemble is wanted.

    Attributes:
        name: unique in a run.
        smiles: with all its stereo.
        positions: a geometry to start from, in the order of `Chem.AddHs(Chem.MolFromSmiles(smiles))`, or None.
    """

    name: str
    smiles: str
    positions: np.ndarray | None = None

    def mol(self) -> Chem.Mol:
        """The molecule with explicit hydrogens and the geometry, if there is one."""
        mol = Chem.AddHs(Chem.MolFromSmiles(self.smiles))
        return mol if self.positions is None else with_conformers(mol, [self.positions])


def draw_tasks(qm9: QM9, split: str, num_molecules: int, seed: int) -> list[EnsembleTask]:
    """Different molecules of a split of QM9, drawn by a seed, with QM9's own geometry to start from.

    A longer draw of the same seed begins with the shorter one.

    Raises:
        ValueError: the split has fewer molecules, or there is no such split.
    """
    dataset, numbers = qm9.split(split), qm9.index[qm9.members(split)]
    tasks: dict[str, EnsembleTask] = {}
    for place in np.random.default_rng(seed).permutation(len(dataset)):
        if len(tasks) == num_molecules:
            return list(tasks.values())
        smiles = dataset.smiles(place)
        tasks.setdefault(smiles, EnsembleTask(f"qm9_{numbers[place]:06d}", smiles, dataset.positions(place)))
    if len(tasks) < num_molecules:
        raise ValueError(
            f"the {split} split of QM9 has {counted(len(tasks), 'molecule')}, fewer than {num_molecules}"
        )
    return list(tasks.values())


def own_tasks(inputs: Iterable[MoleculeInput]) -> tuple[list[EnsembleTask], list[str]]:
    """Tasks for a user's molecules, without geometry, and a sentence about each input that is none.

    Equal molecules are done once. Stereo that the input leaves open no minimum can match: it must be stated.
    """
    tasks: dict[str, EnsembleTask] = {}
    refused = []
    for item in inputs:
        try:
            smiles = bare_smiles(prepare(item.molecule).mol)
        except UnusableInputError as error:
            refused.append(f"{item.name}: {error}")
            continue
        name = item.name if item.name not in {task.name for task in tasks.values()} else smiles
        tasks.setdefault(smiles, EnsembleTask(name, smiles))
    return list(tasks.values()), refused
