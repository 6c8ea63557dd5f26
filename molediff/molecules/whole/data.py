"""Molecular graphs for training a graph model, packed, and batches of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from rdkit import Chem, rdBase
from torch import Tensor
from torch.utils.data import DataLoader

from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.data.similar_sizes import SimilarSizes
from molediff.molecules.whole.alphabet import QM9, Alphabet
from molediff.molecules.whole.familiar import Familiar
from molediff.molecules.whole.graphs import GraphError, state_of
from molediff.molecules.whole.properties import PropertyScales
from molediff.networks.graph_denoiser import GraphSizes, num_nodes_of
from molediff.runtime.words import counted
from molediff.training.batches import EndlessBatches, ResumableDataModule, SizeBucketSampler


class Graphs:
    """Graphs of molecules, packed: states padded to the largest number of atoms.

    Args:
        smiles: of the molecules; those that the alphabet does not know are left out.
        alphabet: kinds of atoms.
        properties: of the molecules, in the unit of the network, shape (len(smiles), P); None: none.
        max_atoms: heavy atoms of the largest to take; None: of any size.

    Attributes:
        states: int8, shape (n, T), padding 0.
        num_atoms: heavy atoms of each, int64, shape (n,).
        properties: float32, shape (n, P); None if there are none.
        familiar: what occurs in them.
        num_left_out: molecules that could not be told in this alphabet, or have too many atoms.
    """

    def __init__(
        self,
        smiles: Iterable[str],
        alphabet: Alphabet = QM9,
        properties: np.ndarray | None = None,
        max_atoms: int | None = None,
    ) -> None:
        rows, kept, seen, number = [], [], set[int](), -1
        with rdBase.BlockLogs():
            for number, text in enumerate(smiles):
                mol = Chem.MolFromSmiles(text)
                if mol is None or (max_atoms is not None and mol.GetNumHeavyAtoms() > max_atoms):
                    continue
                try:
                    rows.append(state_of(mol, alphabet))
                except GraphError:
                    continue
                kept.append(number)
                seen |= Familiar.of([mol]).seen
        states = np.zeros((len(rows), max((len(row) for row in rows), default=0)), np.int8)
        for packed, row in zip(states, rows, strict=True):
            packed[: len(row)] = row
        num_atoms = np.array([num_nodes_of(len(row)) for row in rows], np.int64)
        told = None if properties is None else properties[kept].astype(np.float32)
        self._take(states, num_atoms, alphabet, Familiar(frozenset(seen)), told, number + 1 - len(rows))

    @classmethod
    def packed(
        cls,
        states: np.ndarray,
        num_atoms: np.ndarray,
        alphabet: Alphabet,
        familiar: Familiar,
        num_left_out: int = 0,
    ) -> Graphs:
        """Graphs that are packed already, without properties."""
        graphs = cls.__new__(cls)
        graphs._take(states, num_atoms, alphabet, familiar, None, num_left_out)
        return graphs

    def _take(
        self,
        states: np.ndarray,
        num_atoms: np.ndarray,
        alphabet: Alphabet,
        familiar: Familiar,
        properties: np.ndarray | None,
        num_left_out: int,
    ) -> None:
        self.states, self.num_atoms, self.alphabet = states, num_atoms, alphabet
        self.familiar, self.properties, self.num_left_out = familiar, properties, num_left_out

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
        most_pairs: of atoms a batch, padding included: batches are then of graphs of similar size, and small graphs
            come in larger ones; `batch_size` counts for nothing. None: batches of all sizes together.
        formulas: keep with the weights how many training molecules have which formula.
        max_entropy: nats that a step may leave open when the weights draw, unless told (see `GraphSampling`).
    """

    def __init__(
        self,
        train: Graphs,
        val: Graphs,
        batch_size: int,
        seed: int = 0,
        split: str = "",
        scales: PropertyScales | None = None,
        most_pairs: int | None = None,
        formulas: bool = True,
        max_entropy: float | None = None,
    ) -> None:
        super().__init__(batch_size, seed=seed)
        self.train, self.val, self.most_pairs, self.formulas = train, val, most_pairs, formulas
        self.scales = scales
        self.split, self.max_entropy = split, max_entropy
        left_out = train.num_left_out + val.num_left_out
        self.notes = (
            [f"{counted(left_out, 'molecule')} outside the alphabet of the model."] if left_out else []
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What a generator must know beside the network: sizes, formulas and properties of the training molecules."""
        facts: dict[str, Any] = {
            "num_atoms_histogram": self.train.histogram(),
            "alphabet": self.train.alphabet.described(),
            "familiar": self.train.familiar.to_text(),
        }
        if self.formulas:
            facts["formulas"] = self.train.formulas()
        if self.max_entropy is not None:
            facts["max_entropy"] = self.max_entropy
        if self.scales is None or self.train.properties is None:
            return facts
        return {**facts, "properties": self.scales.described(self.train.properties, self.train.num_atoms)}

    def scale(self) -> float:
        """Categories have no scale."""
        return 1.0

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        if self.most_pairs is not None:
            return self.loader(self.train, self._similar(self.train, self.most_pairs, self.start))
        # Of all sizes together: a batch of one size would pull the weights its way.
        alike = np.zeros(len(self.train), np.int64)
        return self.loader(self.train, EndlessBatches(alike, self.batch_size, self.seed, self.start))

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out graphs."""
        if self.most_pairs is not None:
            return self.loader(self.val, self._similar(self.val, self.most_pairs, endless=False))
        alike = np.zeros(len(self.val), np.int64)
        return self.loader(self.val, SizeBucketSampler(alike, self.batch_size, shuffle=False))

    def _similar(self, graphs: Graphs, most_pairs: int, start: int = 0, endless: bool = True) -> SimilarSizes:
        return SimilarSizes(
            graphs.num_atoms, np.zeros_like(graphs.num_atoms), most_pairs, self.seed, start, endless
        )


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
