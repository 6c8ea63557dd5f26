"""Conformers from models with a harmonic prior or self-conditioning."""

import numpy as np
import pytest
import torch
from e3nn import o3
from fake_generators import embedded, knowing, random_weights
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from molediff.core.geometry.harmonic_prior import HarmonicPrior
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.sampler import Sampler
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.molecules.graph.inputs import prepare, sample_generator

LACTAMIDE = "C[C@H](O)C(N)=O"
OPTIONS = [
    {"prior": HarmonicPrior()},
    {"self_conditioning": True},
    {"prior": HarmonicPrior(), "self_conditioning": True},
]


@pytest.mark.parametrize("solver", ["dpmpp_2m", "heun"])
def test_perfect_network_under_a_prior_returns_the_true_geometry(solver):
    result = knowing(LACTAMIDE, prior=HarmonicPrior()).generate(
        LACTAMIDE, num_conformers=2, solver=solver, trajectory=True
    )
    assert result.status == "ok", result.reason
    np.testing.assert_allclose(result.trajectory.x_0_hat[-1], result.ensemble.coordinates, atol=1e-4)
    truth = embedded(LACTAMIDE)
    for i in range(2):
        assert rdMolAlign.AlignMol(result.mol, truth, prbCid=i, atomMap=[(k, k) for k in range(13)]) < 1e-3


def test_noise_under_a_prior_is_a_polymer():
    result = knowing(LACTAMIDE, prior=HarmonicPrior()).generate(LACTAMIDE, num_conformers=20, trajectory=True)
    noise, bonded = (
        torch.from_numpy(result.trajectory.x_t[0]),
        collate([mol_to_graph(embedded(LACTAMIDE))]).bonded[0],
    )
    distances = torch.cdist(noise, noise)
    apart = ~bonded & ~torch.eye(len(bonded), dtype=torch.bool)
    assert distances[:, bonded].mean() < 0.75 * distances[:, apart].mean()


def raw_samples(model, smiles, slots):
    options = GenerationOptions(
        num_conformers=2, seed=0, solver="dpmpp_2m", num_steps=4, eta=None, grid="central_lambda", batch_atoms=512,
        max_attempts=2, lookahead=8, relax=None, energies=None, prune_rmsd=None, trajectory=False,
    )  # fmt: skip
    molecules = [prepare(s) for s in smiles]
    generators = [[sample_generator(5, m.key, slot, 0) for slot in slots] for m in molecules]
    sampler = Sampler(model, options, torch.device("cpu"), autocast=False)
    return [samples.x for samples in sampler.draw([m.graph for m in molecules], generators)]


@pytest.mark.parametrize("made", OPTIONS, ids=" and ".join)
def test_samples_of_a_real_network_do_not_depend_on_their_batch(made):
    model, smiles = random_weights(**made), ("CCO", LACTAMIDE)
    together = raw_samples(model, smiles, range(2))
    for i in range(2):
        (alone,) = raw_samples(model, smiles[i : i + 1], [1])
        assert np.isfinite(alone).all()
        np.testing.assert_allclose(alone[0], together[i][1], atol=2e-4)


@pytest.mark.parametrize("made", OPTIONS, ids=" and ".join)
def test_a_generator_takes_such_a_model(made):
    (result,) = ConformerGenerator(random_weights(**made), device="cpu").generate_many(
        ["CCO"], 2, max_attempts=1
    )
    assert result.num_drawn == 2
    assert result.num_rejected.keys().isdisjoint({"nan"})


@torch.no_grad()
def test_predictions_under_a_prior_follow_rotations_and_the_order_of_the_atoms():
    model, mol = random_weights(prior=HarmonicPrior(), self_conditioning=True), embedded(LACTAMIDE)
    order, rotation = torch.randperm(13, generator=torch.Generator().manual_seed(0)), o3.rand_matrix()
    reordered = collate([mol_to_graph(Chem.RenumberAtoms(mol, order.tolist()))])
    z, previous = torch.randn(2, 1, 13, 3, generator=torch.Generator().manual_seed(1))
    t = torch.full((1,), 0.4)

    def moved(x):
        return (x @ rotation.T)[:, order]

    expected = moved(model.predict(z, t, collate([mol_to_graph(mol)]), previous))
    torch.testing.assert_close(
        model.predict(moved(z), t, reordered, moved(previous)), expected, atol=1e-4, rtol=0
    )


def test_estimates_are_shown_in_sampling():
    heeds, forgets = random_weights(self_conditioning=True), random_weights(self_conditioning=True)
    forgets.network.self_conditioning = False
    (seen,), (unseen,) = (raw_samples(model, ["CCO"], [0]) for model in (heeds, forgets))
    assert np.abs(seen - unseen).max() > 0.01
