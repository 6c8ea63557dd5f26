"""Training of the prior of torsions."""

import math

import torch
from rdkit import Chem

from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from molediff.molecules.torsion_prior import torsion_batch
from molediff.networks import TorsionPrior, save_weights
from molediff.networks.torsion_batch import BIN_WIDTH, MINIMUM, NUM_BINS
from molediff.training.clock import Clock
from molediff.training.run import load_into
from molediff.training.torsions import TorsionPriorTask, bin_of, log_probabilities, spread_over_bins


def test_bins_cover_the_circle():
    assert bin_of(torch.tensor([-180.0, -0.1, 0.0, 4.9, 5.0, 179.9, 180.0])).tolist() == [
        0,
        35,
        36,
        36,
        37,
        71,
        71,
    ]


def test_a_torsion_is_spread_as_a_normal_on_the_circle():
    degrees = torch.tensor([0.0, 62.5, 90.0, 180.0, -180.0])
    found = spread_over_bins(degrees, 4.0)
    assert found.shape == (5, NUM_BINS)
    torch.testing.assert_close(found.sum(1), torch.ones(5))
    # 0 and 90 lie on edges: half a normal's mass within 5 degrees on either side.
    within = 0.5 * math.erf(BIN_WIDTH / (4.0 * math.sqrt(2)))
    for row, edge in ((0, 36), (2, 54), (3, 0)):
        torch.testing.assert_close(
            found[row, [edge - 1, edge]], torch.full((2,), within), atol=1e-6, rtol=1e-6
        )
    torch.testing.assert_close(found[3], found[4])
    assert found[1].argmax() == 48


def prior_of(num_harmonics: int) -> TorsionPrior:
    torch.manual_seed(0)
    return TorsionPrior(
        ORGANIC.node_cardinalities, ORGANIC.pair_cardinalities, 16, 8, 1, 2, 16, num_harmonics=num_harmonics
    )


def test_couplings_learn_that_two_torsions_are_one():
    """Both torsions of pentane are the same, and even on the circle: each alone tells nothing, the other all."""
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCCC"))
    rotors = Rotors.of(mol)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    torsions = torsion_batch(rotors, mol, mol_to_graph(mol, None, ORGANIC), MINIMUM)
    prior = prior_of(num_harmonics=3)
    task = TorsionPriorTask(prior, Clock(200, None), spread=10.0)
    optimizer = torch.optim.Adam(prior.parameters(), 0.02)
    generator = torch.Generator().manual_seed(1)
    for _ in range(200):
        degrees = 360 * torch.rand(1, generator=generator) - 180
        measured = torch.cat([degrees.expand(2, 1), torch.zeros(2, 2)], dim=1)
        optimizer.zero_grad()
        task.training_step((measured, torsions, None), 0).backward()
        optimizer.step()
    found = []
    for degrees in torch.arange(-175.0, 180.0, 10.0):
        measured = torch.cat([degrees.expand(2, 1), torch.zeros(2, 2)], dim=1)
        places = bin_of(measured[:, 0])[:, None]
        logs = log_probabilities(prior.eval()(torsions), measured)
        found.append([math.log(NUM_BINS) + float(one.detach().gather(1, places).mean()) for one in logs])
    alone, given = torch.tensor(found).mean(0).tolist()
    assert abs(alone) < 0.3
    assert given > 1


def test_without_couplings_there_is_one_law_and_it_is_a_law():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCCC"))
    rotors = Rotors.of(mol)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    torsions = torsion_batch(rotors, mol, mol_to_graph(mol, None, ORGANIC), MINIMUM)
    for num_harmonics, num_laws in ((0, 1), (2, 2)):
        logs = log_probabilities(prior_of(num_harmonics)(torsions), torch.zeros(2, 3))
        assert len(logs) == num_laws
        for one in logs:
            torch.testing.assert_close(one.exp().sum(-1), torch.ones(2))


def test_couplings_are_added_to_weights_without(tmp_path):
    before, after = prior_of(0), prior_of(2)
    save_weights(tmp_path / "before.safetensors", before, {"config": {}})
    load_into(after, tmp_path / "before.safetensors")
    for name, value in before.state_dict().items():
        torch.testing.assert_close(after.state_dict()[name], value, atol=1e-2, rtol=1e-2)
    assert after.couplings is not None
    assert not after.couplings.to_series.weight.any()
