"""Batches of molecular graphs for training a graph model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rdkit import Chem, rdBase
from torch import Tensor
from torch.utils.data import DataLoader

from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.whole.alphabet import QM9, Alphabet
from molediff.molecules.whole.familiar import Familiar
from molediff.molecules.whole.graphs import GraphError, state_of
from molediff.molecules.whole.properties import PropertyScales
from molediff.networks.graph_denoiser import GraphSizes, num_nodes_of
from molediff.training.batches import EndlessBatches, ResumableDataModule, SizeBucketSampler


class Graphs:
    """Graphs of molecules, packed: states padded to the largest number of atoms.

    Args:
        smiles: of the molecules; those that the alphabet does not know are left out.
        alphabet: kinds of atoms.
        properties: of the molecules, in the unit of the network, shape (len(smiles), P); None: none.

    Attributes:
        states: int8, shape (n, T), padding 0.
        num_atoms: heavy atoms of each, int64, shape (n,).
        properties: float32, shape (n, P); None if there are none.
        familiar: what occurs in them.
        num_left_out: molecules that could not be told in this alphabet.
    """

    def __init__(
        self, smiles: Sequence[str], alphabet: Alphabet = QM9, properties: np.ndarray | None = None
    ) -> None:
        self.alphabet = alphabet
        rows, kept, seen = [], [], set[int]()
        with rdBase.BlockLogs():
            for number, text in enumerate(smiles):
                mol = Chem.MolFromSmiles(text)
                try:
                    rows.append(state_of(mol, alphabet))
                except GraphError:
                    continue
                kept.append(number)
                seen |= Familiar.of([mol]).seen
        self.familiar = Familiar(frozenset(seen))
        self.properties = None if properties is None else properties[kept].astype(np.float32)
        self.num_left_out = len(smiles) - len(rows)
        self.states = np.zeros((len(rows), max((len(row) for row in rows), default=0)), np.int8)
        for packed, row in zip(self.states, rows, strict=True):
            packed[: len(row)] = row
        self.num_atoms = np.array([num_nodes_of(len(row)) for row in rows], np.int64)

    def __len__(self) -> int:
        return len(self.states)

    def batch(self, indices: Any) -> tuple[Tensor, GraphSizes, None]:
        """States (B, T), padded to the largest of them, and their sizes as condition."""
        sizes = self.num_atoms[indices]
        width = int(sizes.max())
        states = self.states[indices, : width * (width + 1) // 2]
        told = None if self.properties is None else torch.from_numpy(self.properties[indices])
        return (
            torch.from_numpy(states.astype(np.int64)),
            GraphSizes(torch.from_numpy(sizes), width, told),
            None,
        )

    def formulas(self) -> dict[str, int]:
        """Molecules of each formula, charges left out."""
        kinds = self.alphabet.kinds
        valence = np.array([kind.valence for kind in kinds])
        symbols = [kind.symbol.rstrip("+-") for kind in kinds]
        found: Counter[str] = Counter()
        for state, size in zip(self.states, self.num_atoms, strict=True):
            ends = np.arange(size) * (np.arange(size) + 3) // 2
            labels, used = state[ends], state[: size * (size + 1) // 2]
            hydrogens = int(valence[labels].sum()) - 2 * (int(used.sum()) - int(labels.sum()))
            atoms = Counter(symbols[label] for label in labels) + Counter(H=hydrogens)
            found["".join(f"{symbol}{atoms[symbol]}" for symbol in sorted(atoms))] += 1
        return dict(found)

    def histogram(self) -> list[int]:
        """Molecules of 0, 1, 2, ... heavy atoms."""
        return np.bincount(self.num_atoms).tolist()


class GraphDataModule(ResumableDataModule):
    """Graphs to train and to validate on.

    Args:
        train: graphs to train on.
        val: held-out graphs.
        batch_size: graphs a batch.
        seed: of the order of the batches.
        split: what was held out and how.
        scales: of the properties, where the graphs have some.
    """

    def __init__(
        self,
        train: Graphs,
        val: Graphs,
        batch_size: int,
        seed: int = 0,
        split: str = "",
        scales: PropertyScales | None = None,
    ) -> None:
        super().__init__(batch_size, seed=seed)
        self.train, self.val = train, val
        self.scales = scales
        self.split = split
        left_out = train.num_left_out + val.num_left_out
        self.notes = [f"{left_out} molecules are not in the alphabet of the model."] if left_out else []

    @property
    def facts(self) -> dict[str, Any]:
        """What a generator must know beside the network: sizes, formulas and properties of the training molecules."""
        facts: dict[str, Any] = {
            "num_atoms_histogram": self.train.histogram(),
            "formulas": self.train.formulas(),
            "familiar": self.train.familiar.to_text(),
        }
        if self.scales is None or self.train.properties is None:
            return facts
        return {**facts, "properties": self.scales.described(self.train.properties, self.train.num_atoms)}

    def scale(self) -> float:
        """Categories have no scale."""
        return 1.0

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        # Of all sizes together: a batch of one size would pull the weights its way.
        alike = np.zeros(len(self.train), np.int64)
        return self.loader(self.train, EndlessBatches(alike, self.batch_size, self.seed, self.start))

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out graphs."""
        alike = np.zeros(len(self.val), np.int64)
        return self.loader(self.val, SizeBucketSampler(alike, self.batch_size, shuffle=False))


def qm9_graphs_datamodule(
    root: str = "data",
    batch_size: int = 128,
    num_validation: int = 2000,
    seed: int = 0,
    properties: Sequence[str] = (),
    half: str | None = None,
) -> GraphDataModule:
    """The graphs of QM9 with EDM's split: its training part, and molecules spread over its validation part.

    Args:
        root: folder of the cache.
        batch_size: graphs a batch.
        num_validation: molecules of the validation loss.
        seed: of the order of the batches.
        properties: names of what the graphs come with (`whole.properties`).
        half: of the training part, "first" or "second": EDM's generators learn from the second, what judges their
            properties from the first. None: all of it.
    """
    if half not in (None, "first", "second"):
        raise ValueError(f"half is 'first', 'second' or None; got {half!r}.")
    qm9 = load_qm9(root)
    members = {split: qm9.members(split) for split in ("train", "val")}
    if half is not None:
        middle = len(members["train"]) // 2
        members["train"] = members["train"][:middle] if half == "first" else members["train"][middle:]
    val = members["val"]
    members["val"] = val[np.linspace(0, len(val) - 1, min(num_validation, len(val))).astype(int)]
    scales = PropertyScales.of({name: qm9.properties[name][members["train"]] for name in properties})
    graphs = {}
    for split, chosen in members.items():
        smiles = [qm9.dataset.smiles(i) for i in chosen]
        values = {name: qm9.properties[name][chosen] for name in properties}
        graphs[split] = Graphs(smiles, properties=None if scales is None else scales.to_network(values))
    part = "EDM train" if half is None else f"EDM train, {half} half"
    return GraphDataModule(graphs["train"], graphs["val"], batch_size, seed, part, scales)
