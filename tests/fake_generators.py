"""Conformer generators without trained weights: one that knows the answer, and one of random weights."""

from __future__ import annotations

import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions
from torch import Tensor, nn

from molediff.core.geometry.kabsch import kabsch
from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import Sample, V
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.graph import mol_to_graph
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch

SCALE = 1.4


class KnowsTheAnswer(nn.Module):
    """Predicts x_0: for each molecule one geometry that it was shown, turned onto x_t.

    Args:
        truth: coordinates (N, 3) in Angstrom by `graph_name` of the molecule.
        spoil: called with (x_0 (N, 3) in Angstrom, x_t (N, 3)); returns the x_0 to predict instead.
    """

    def __init__(self, truth: dict[bytes, Tensor], spoil=None):
        super().__init__()
        self.truth, self.spoil = truth, spoil
        self.evaluations = 0

    def forward(self, x: Tensor, lambda_: Tensor, graph: GraphBatch) -> Tensor:
        self.evaluations += 1
        out = torch.zeros_like(x)
        for i, mask in enumerate(graph.mask):
            x_0 = self.truth[graph_name(graph.node_codes[i][mask])]
            if self.spoil is not None:
                x_0 = self.spoil(x_0, x[i, mask])
            x_0 = (x_0 - x_0.mean(0)) / SCALE
            out[i, mask] = x_0 @ kabsch(x_0[None], x[i, mask][None])[0].mT
        return out


def graph_name(node_codes: Tensor) -> bytes:
    """Tells molecules apart by their atoms, in order."""
    return node_codes.cpu().numpy().astype("int64").tobytes()


def embedded(smiles: str) -> Chem.Mol:
    """A molecule with one conformer by ETKDG and MMFF94s: bonds of ETKDG alone are too rough for the checks."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert embed(mol) == 0
    return mol


def embed(mol: Chem.Mol, max_attempts: int = 0) -> int:
    """Put one such conformer on `mol`; 0 if that worked."""
    failed = rdDistGeom.EmbedMolecule(mol, randomSeed=7, maxAttempts=max_attempts)
    if failed == 0:
        relaxed = Chem.Mol(mol)  # the force field leaves its own aromaticity behind
        rdForceFieldHelpers.MMFFOptimizeMolecule(relaxed, mmffVariant="MMFF94s", maxIters=2000)
        mol.GetConformer().SetPositions(relaxed.GetConformer().GetPositions())
    return failed


def knowing(*smiles: str, spoil=None, **options) -> ConformerGenerator:
    """A generator whose network knows an ETKDG geometry of each of these molecules."""
    truth = {}
    for mol in map(embedded, smiles):
        positions = torch.tensor(mol.GetConformer().GetPositions(), dtype=torch.float32)
        truth[graph_name(mol_to_graph(mol).node_codes)] = positions
    network = KnowsTheAnswer(truth, spoil)
    model = DiffusionModel(network, CosineVP(), Sample(), ZeroCentreOfMass(), SCALE)
    return ConformerGenerator(model, device="cpu", **options)


def telling(*smiles: str, **settings) -> ConformerGenerator:
    """A generator whose network knows these molecules, and calls the square of what it is shown its energy."""
    generator = knowing(*smiles, **settings)
    network = generator.model.network
    network.gives_energies = True
    network.with_energies = lambda x, lambda_, graph: (network(x, lambda_, graph), x.square().sum((1, 2)))
    return generator


def scrambling(*smiles: str, max_isomers: int = 6) -> tuple[ConformerGenerator, list[str]]:
    """A generator whose network draws, by its noise, any stereoisomer of these molecules or its mirror image.

    Also returns those of the molecules that can be embedded as they are asked for. Sample with one step.
    """
    truth, possible = {}, []
    for asked in smiles:
        blank = Chem.AddHs(Chem.MolFromSmiles(asked))
        flat = Chem.Mol(blank)
        Chem.RemoveStereochemistry(flat)
        settings = StereoEnumerationOptions(maxIsomers=max_isomers, rand=3)
        geometries = []
        for mol in (blank, *EnumerateStereoisomers(flat, options=settings)):
            if embed(mol, max_attempts=5) == 0:
                geometries.append(torch.tensor(mol.GetConformer().GetPositions(), dtype=torch.float32))
            elif mol is blank:
                break
        else:
            possible.append(asked)
            both_hands = [x * torch.tensor([1.0, 1.0, hand]) for x in geometries for hand in (1.0, -1.0)]
            truth[graph_name(mol_to_graph(blank).node_codes)] = torch.stack(both_hands)
    network = KnowsTheAnswer(truth, lambda x_0, x_t: x_0[int(x_t.abs().sum() * 1e4) % len(x_0)])
    model = DiffusionModel(network, CosineVP(), Sample(), ZeroCentreOfMass(), SCALE)
    return ConformerGenerator(model, device="cpu"), possible


def random_weights(seed: int = 0) -> DiffusionModel:
    """A small model of the real kind, untrained."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = EquivariantNetwork(
            NODE_CARDINALITIES, PAIR_CARDINALITIES, SCALE, channels=16, vector_channels=8, pair_channels=8,
            num_trunk_blocks=1, num_blocks=2, num_heads=4, num_basis=8,
        )  # fmt: skip
    return DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass(), SCALE)


def options(**changed) -> GenerationOptions:
    """Options of a small call, with some of them changed."""
    settings = {
        "num_conformers": 2, "seed": 0, "solver": "dpmpp_2m", "num_steps": 4, "eta": None, "grid": "central_lambda",
        "batch_atoms": 512, "max_attempts": 2, "lookahead": 8, "relax": None, "energies": None, "prune_rmsd": None,
        "rank": False, "energy_window": None,
        "timeout": None, "num_workers": 1, "trajectory": False,
    }  # fmt: skip
    return GenerationOptions(**{**settings, **changed})
