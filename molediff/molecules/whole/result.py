"""What the generator of whole molecules hands back: one result for every molecule asked for, whatever became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from rdkit import Chem

from molediff.molecules.generation.result import WHOLE_MOL
from molediff.sampling.trajectory import Trajectory


@dataclass(frozen=True)
class NewMolecule:
    """A new molecule, or the reason why there is none.

    Attributes:
        number: which of the call's molecules this is, from 0.
        smiles: canonical SMILES with the stereo of its shape; without it where there is no shape; empty where the
            graph is no molecule.
        mol: the molecule with explicit hydrogens and one conformer, coordinates in Angstrom; with implicit hydrogens
            and no conformer where there is no shape; None where the graph is no molecule.
        status: "ok", or "failed".
        fault: why it failed, in one word: "valence", "fragments", "rdkit" or "entry" of a graph that is no molecule,
            "composition" of one that is not what was asked for, "unfamiliar" of one that is unlike all training
            molecules, "shape" of one for which no conformer passed the checks; empty for "ok".
        reason: the same as a sentence.
        seed: the seed given.
        num_graphs: graphs drawn for it: 1, and more where those that failed were drawn again.
        num_evaluations: of both networks, for the graph and the shape handed out and for those drawn before them.
        log_prob_bound: lower bound (an estimate, from one random order) of the log-probability of this graph under the
            model, in nats, whatever the numbering of its atoms; None if not asked for. Of the Kekule structure drawn.
        states: the graph as it was filled in, one row a step (see `whole.graphs`), int8, shape (S, T); None if not
            asked for.
        trajectory: the shape's way from noise; None if not asked for.
        provenance: how it was made: weights and their SHA-256, settings.
    """

    number: int
    smiles: str
    mol: Chem.Mol | None
    status: Literal["ok", "failed"]
    fault: str
    reason: str
    seed: int
    num_graphs: int = 1
    num_evaluations: int = 0
    log_prob_bound: float | None = None
    states: np.ndarray | None = None
    trajectory: Trajectory | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def num_conformers(self) -> int:
        """1 where there is a shape, else 0."""
        return 0 if self.mol is None else self.mol.GetNumConformers()

    def _repr_html_(self) -> str:
        from molediff.molecules.view.viewer import View

        return View(self).to_html()

    def __getstate__(self) -> dict[str, Any]:
        """Pickled, the Mol keeps its properties and the last digit of its coordinates; by itself it would not."""
        return {**self.__dict__, "mol": None if self.mol is None else self.mol.ToBinary(int(WHOLE_MOL))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, mol=None if state["mol"] is None else Chem.Mol(state["mol"]))
