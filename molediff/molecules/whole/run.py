"""One call of the generator of whole molecules: graphs, their checks, their shapes, and again what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rdkit import Chem

from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.whole.alphabet import Alphabet
from molediff.molecules.whole.familiar import Familiar
from molediff.molecules.whole.graphs import GraphError, mol_of
from molediff.molecules.whole.result import NewMolecule
from molediff.molecules.whole.sampler import DrawnGraph, GraphSampler, log_num_numberings
from molediff.runtime.words import counted


@dataclass
class Sample:
    """One of the molecules asked for, on its way."""

    number: int
    num_graphs: int = 0
    num_evaluations: int = 0
    drawn: DrawnGraph | None = None
    mol: Chem.Mol | None = None
    fault: str = ""
    reason: str = ""
    shape: GenerationResult | None = None


class Run:
    """One call of `MoleculeGenerator.generate`.

    Args:
        sampler: draws graphs.
        alphabet: what they are of.
        shapes: gives them shapes; None: none.
        seed: of the call.
        max_attempts: most graphs drawn for a molecule.
        only_valid: draw again what failed.
        trajectory: keep the way of the shapes.
        provenance: for the results.
        familiar: what occurs in training molecules; graphs with anything else, and those that are no molecule, are
            drawn again. None: they are not.
        shape_steps: solver steps of the shapes; None: what their weights are meant for.
    """

    def __init__(
        self,
        sampler: GraphSampler,
        alphabet: Alphabet,
        shapes: ConformerGenerator | None,
        seed: int,
        max_attempts: int,
        only_valid: bool,
        trajectory: bool,
        provenance: dict[str, Any],
        familiar: Familiar | None = None,
        shape_steps: int | None = None,
    ) -> None:
        self.sampler, self.alphabet, self.shapes = sampler, alphabet, shapes
        self.seed, self.max_attempts, self.only_valid = seed, max_attempts, only_valid
        self.trajectory, self.provenance, self.familiar = trajectory, provenance, familiar
        self.shape_steps = shape_steps

    def results(self, num_molecules: int, batch_size: int) -> Iterator[NewMolecule]:
        """The molecules, batch by batch."""
        for first in range(0, num_molecules, batch_size):
            samples = [Sample(number) for number in range(first, min(first + batch_size, num_molecules))]
            pending = samples
            while pending:
                self._draw_graphs(pending)
                while unlike := [sample for sample in pending if self._unlike(sample)]:
                    self._draw_graphs(unlike)
                if self.shapes is not None:
                    self._draw_shapes(
                        self.shapes,
                        [sample for sample in pending if sample.mol is not None and not sample.fault],
                    )
                pending = [sample for sample in pending if self._again(sample)]
            yield from map(self._result, samples)

    def _unlike(self, sample: Sample) -> bool:
        return (
            self.familiar is not None
            and sample.fault not in ("", "composition", "shape")
            and sample.num_graphs < self.max_attempts
        )

    def _again(self, sample: Sample) -> bool:
        wanted = sample.fault == "composition" or (self.only_valid and sample.fault != "")
        return wanted and sample.num_graphs < self.max_attempts

    def _draw_graphs(self, samples: list[Sample]) -> None:
        drawn = self.sampler.draw(self.seed, [(sample.number, sample.num_graphs) for sample in samples])
        for sample, graph in zip(samples, drawn, strict=True):
            sample.drawn, sample.mol, sample.fault, sample.reason = graph, None, "", ""
            sample.num_graphs += 1
            sample.num_evaluations += graph.num_evaluations
            try:
                sample.mol = mol_of(graph.state, self.alphabet)
            except GraphError as error:
                sample.fault, sample.reason = error.kind, str(error)
                continue
            wanted = self.sampler.request.num_hydrogens
            found = sum(atom.GetTotalNumHs() for atom in sample.mol.GetAtoms())
            if wanted not in (None, found):
                sample.fault, sample.reason = (
                    "composition",
                    f"It has {counted(found, 'hydrogen')} instead of {wanted}.",
                )
            elif self.familiar is not None and (lacks := self.familiar.lacks(sample.mol)):
                sample.fault = "unfamiliar"
                sample.reason = f"No training molecule has {lacks[0]} (see molecules.whole.familiar)."

    def _draw_shapes(self, generator: ConformerGenerator, samples: list[Sample]) -> None:
        scaffold = self.sampler.request.scaffold
        steps: dict[str, Any] = {} if self.shape_steps is None else {"num_steps": self.shape_steps}
        shapes = generator.generate_many(
            [sample.mol for sample in samples if sample.mol is not None],
            num_conformers=1,
            seed=self.seed,
            trajectory=self.trajectory,
            fixed=None if scaffold is None else scaffold.fixed,
            **steps,
        )
        for sample, shape in zip(samples, shapes, strict=True):
            sample.shape = shape
            sample.num_evaluations += shape.num_drawn * int(shape.provenance.get("num_steps", 1))
            if shape.status == "ok":
                sample.mol = shape.mol
            else:
                sample.fault, sample.reason = "shape", shape.reason

    def _result(self, sample: Sample) -> NewMolecule:
        drawn, mol, shape = sample.drawn, sample.mol, sample.shape
        assert drawn is not None
        smiles = "" if mol is None else Chem.MolToSmiles(mol)
        if mol is not None and mol.GetNumConformers() and shape is not None:
            smiles = shape.isomeric_smiles()[0]
        bound = drawn.log_prob_bound if mol is not None else None
        # Of an order that means something only one numbering is likely: its probability alone is a bound too.
        if bound is not None and not self.sampler.ordered:
            bound += log_num_numberings(drawn.state, self.alphabet)
        return NewMolecule(
            sample.number,
            smiles,
            mol,
            "failed" if sample.fault else "ok",
            sample.fault,
            sample.reason,
            self.seed,
            sample.num_graphs,
            sample.num_evaluations,
            bound,
            drawn.states,
            shape.trajectory if shape is not None and not sample.fault else None,
            self.provenance,
        )
