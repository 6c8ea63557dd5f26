"""The generator of whole new molecules: nothing in, checked molecules with a shape out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import torch
from rdkit import Chem

import molediff
from molediff.core.discrete import CategoricalModel, CategoricalSolver, EntropyBounded, Revealing
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.whole.alphabet import QM9, Alphabet
from molediff.molecules.whole.familiar import Familiar
from molediff.molecules.whole.properties import Wanted, WantedProperties
from molediff.molecules.whole.request import Request
from molediff.molecules.whole.result import NewMolecule
from molediff.molecules.whole.run import Run
from molediff.molecules.whole.sampler import GraphSampler
from molediff.molecules.whole.settings import GraphLimits, GraphSampling, read_settings
from molediff.networks.kind import check_kind
from molediff.networks.pretrained import SHIPPED, load_categorical
from molediff.runtime.checks import check_flag, check_whole_number, choose_device


class MoleculeGenerator:
    """Samples new molecules: their graph from a model of graphs, then their shape from a model of conformers.

    The graph is filled in entry by entry, masked at first: heavy atoms and the orders of their bonds; hydrogens follow
    from the valences. A graph that is no molecule is counted as one that failed. Stereo is drawn with the shape: open
    centres decide for themselves.

    Molecule i of a call depends on the seed, its number i and the options, not on the batch size or on the other
    molecules (up to the rounding of floating-point numbers). Global random states are neither read nor set.

    Args:
        model: a trained model of graphs.
        metadata: of the graph weights; "num_atoms_histogram" tells how many molecules have 0, 1, 2, ... heavy atoms.
        device: "cpu", "cuda", or None: "cuda" if there is one.
        shapes: the generator of their shapes; None: that of "qm9_b3lyp", or of "drugs" for graphs with more than QM9's
            elements, loaded when it is needed.
        weights: name or path of the weights, for the record.

    Example:
        >>> generator = MoleculeGenerator.from_pretrained("qm9")
        >>> molecules = list(generator.generate(num_molecules=4, seed=1, only_valid=True))
        >>> [molecule.status for molecule in molecules]
        ['ok', 'ok', 'ok', 'ok']
    """

    def __init__(
        self,
        model: CategoricalModel,
        metadata: dict[str, Any] | None = None,
        device: str | torch.device | None = None,
        shapes: ConformerGenerator | None = None,
        weights: str | None = None,
    ) -> None:
        check_kind(model.network, "graphs")
        self.device = choose_device(device)
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.metadata = dict(metadata or {})
        self.weights = weights
        kinds = self.metadata.get("alphabet")  # where weights do not tell, they are of QM9
        self.alphabet = Alphabet.of(kinds) if kinds else QM9
        self.histogram: list[int] = list(self.metadata.get("num_atoms_histogram") or ())
        max_nodes = int(getattr(model.network, "max_nodes", len(self.histogram) - 1))
        if not sum(self.histogram) or len(self.histogram) > max_nodes + 1:
            raise ValueError(
                "The metadata of a model of graphs must tell in num_atoms_histogram how many molecules have 0, 1, 2 "
                f"and more heavy atoms, as training writes it; got {self.histogram}."
            )
        self._given_shapes = shapes

    @classmethod
    def from_pretrained(
        cls,
        weights: str | FilePath = "qm9_graphs",
        device: str | torch.device | None = None,
        shapes: str | FilePath | None = None,
        allow: Sequence[str] = (),
    ) -> MoleculeGenerator:
        """Load a generator.

        Args:
            weights: name of weights of graphs that ship with the package ("qm9_graphs", or "qm9" for short), or path of
                a `.safetensors` file.
            device: see the class.
            shapes: weights of conformers for the shapes; None: what suits the elements, see the class.
            allow: packages of your own that a file may name classes of (see `networks.load_model`).

        Raises:
            FileNotFoundError: there are no such weights.
            ValueError: the file is damaged or was made for something else.
        """
        if (SHIPPED / f"{weights}_graphs.safetensors").is_file():  # "qm9" names weights of conformers
            weights = f"{weights}_graphs"
        model, metadata = load_categorical(weights, allow)
        given = None if shapes is None else ConformerGenerator.from_pretrained(shapes, device, allow=allow)
        return cls(model, metadata, device, given, str(weights))

    @cached_property
    def shapes(self) -> ConformerGenerator:
        """The generator of shapes."""
        return self._given_shapes or ConformerGenerator.from_pretrained(
            "qm9_b3lyp" if self.alphabet == QM9 else "drugs", self.device
        )

    @property
    def ordered(self) -> bool:
        """Whether the weights number atoms as a SMILES does, so that none can be asked for at a place."""
        return bool(getattr(self.model.network, "ordered", False))

    def generate(
        self,
        num_molecules: int = 10,
        seed: int = 0,
        *,
        num_atoms: int | None = None,
        composition: str | Mapping[str, int] | None = None,
        scaffold: str | Chem.Mol | None = None,
        attachments: Sequence[int] | None = None,
        properties: Wanted | None = None,
        only_valid: bool = False,
        with_shapes: bool = True,
        sampling: GraphSampling | None = None,
        limits: GraphLimits | None = None,
        log_prob: bool = False,
        trajectory: bool = False,
        **words: Any,
    ) -> Iterator[NewMolecule]:
        """New molecules: a lazy iterator with one result for every molecule asked for, in order.

        Args:
            num_molecules: how many.
            seed: at least 0.
            num_atoms: heavy atoms of each; None: as often as in the training data.
            composition: a formula that all have, such as "C7H10O2", or a mapping of symbols to numbers; without H, any
                number of hydrogens. Hydrogens are what the bonds leave: graphs with another number are drawn again.
                Atoms have no charges then.
            scaffold: a part that every molecule keeps, SMILES or Mol. With 3D coordinates its atoms keep them too.
            attachments: numbers of its atoms that may be bonded to new ones; None: those bonded to "*", which stands
                for what is attached, or else all that have a hydrogen.
            properties: values to come near, in the units of QM9: "gap", "homo" and "lumo" in Hartree, "polarizability"
                in bohr^3, "dipole_moment" in Debye, "heat_capacity" in cal / (mol K); a number for all, or a list of
                one for each molecule. For weights that know them, as qm9_graphs_properties.
            only_valid: draw again, up to `max_attempts` graphs for a molecule, where a graph is no molecule or has no
                shape. Published protocols count what comes the first time.
            with_shapes: False for graphs alone.
            sampling: how graphs are filled in, see `molediff.molecules.GraphSampling`.
            limits: memory and attempts, see `molediff.molecules.GraphLimits`.
            log_prob: also give `log_prob_bound`, for as many evaluations again.
            trajectory: keep the steps of graph and shape.
            **words: any setting of the two groups by itself, such as `num_steps=10`, where its group is not given.

        Raises:
            ValueError: an option is out of range or given twice, or cannot be had.
        """
        check_whole_number("num_molecules", num_molecules, least=1)
        check_whole_number("seed", seed, least=0)
        flags = {"only_valid": only_valid, "with_shapes": with_shapes}
        for name, flag in (flags | {"log_prob": log_prob, "trajectory": trajectory}).items():
            check_flag(name, flag)
        how, most = read_settings(sampling, limits, words)
        if self.ordered and (composition is not None or scaffold is not None):
            raise ValueError(
                "These weights number atoms as a SMILES does and go on from no given atoms: leave composition and "
                "scaffold out, or take weights that can, such as qm9_graphs."
            )
        request = Request.read(
            self.alphabet,
            self.histogram,
            self.metadata.get("formulas"),
            num_atoms,
            composition,
            scaffold,
            attachments,
        )
        solver: CategoricalSolver = Revealing(how.order, how.min_probability)
        if (most_entropy := self._max_entropy(how)) is not None:
            solver = EntropyBounded(most_entropy)
        sampler = GraphSampler(
            self.model,
            request,
            solver,
            how.num_steps,
            self.alphabet if how.constrained else None,
            log_prob,
            trajectory,
            self._wanted(properties, how.guidance, num_molecules),
            how.guidance,
        )
        known = self._known(how.familiar, scaffold is not None)
        asked = {
            "familiar": known is not None,
            "properties": dict(properties or {}),
            "guidance": how.guidance,
            "shape_steps": how.shape_steps,
        }
        provenance = self._provenance(sampler, how.num_steps, with_shapes) | {
            key: value for key, value in asked.items() if value
        }
        run = Run(
            sampler,
            self.alphabet,
            self.shapes if with_shapes else None,
            seed,
            most.max_attempts,
            only_valid,
            trajectory,
            provenance,
            known,
            how.shape_steps,
        )
        return run.results(num_molecules, most.batch_size)

    def _max_entropy(self, how: GraphSampling) -> float | None:
        """What was asked for, else what the weights say, unless another way to fill in was asked for."""
        if how.max_entropy is not None or how.num_steps is not None or how.order != "random":
            return how.max_entropy
        said = self.metadata.get("max_entropy")
        return None if said is None else float(said)

    def _wanted(
        self, properties: Wanted | None, guidance: float, num_molecules: int
    ) -> WantedProperties | None:
        if properties is None:
            if guidance:
                raise ValueError("guidance presses for properties: give properties too.")
            return None
        return WantedProperties(self.metadata.get("properties"), properties, num_molecules)

    def _known(self, familiar: bool | None, has_scaffold: bool) -> Familiar | None:
        text = self.metadata.get("familiar")
        if familiar and not text:
            raise ValueError(
                "familiar=True needs weights that tell what their training molecules hold: train anew."
            )
        wanted = not has_scaffold if familiar is None else familiar
        return Familiar.from_text(text) if wanted and text else None

    def _provenance(self, sampler: GraphSampler, num_steps: int | None, with_shapes: bool) -> dict[str, Any]:
        facts = {
            "weights": self.weights,
            "weights_sha256": self.metadata.get("sha256"),
            "num_steps": num_steps or len(sampler.times) - 1,
            "constrained": sampler.constrained is not None,
            "order": getattr(sampler.solver, "order", None),
            "min_probability": getattr(sampler.solver, "min_probability", 0.0) or None,
            "max_entropy": getattr(sampler.solver, "budget", None),
            "shapes": self.shapes.weights if with_shapes else None,
            "shapes_sha256": self.shapes.metadata.get("sha256") if with_shapes else None,
            "molediff": molediff.__version__,
        }
        return {key: value for key, value in facts.items() if value is not None}
