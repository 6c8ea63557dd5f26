"""The prior of torsions: what it must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.torsion_prior import torsion_distribution
from molediff.networks import GraphBatch, TorsionPrior
from molediff.networks.torsion_prior import CRYSTAL, MINIMUM, NUM_BINS, TorsionBatch

SMILES = "CCOC(=O)c1ccc(NS(C)(=O)=O)cc1"


@pytest.fixture(scope="module")
def prior() -> TorsionPrior:
    torch.manual_seed(0)
    return TorsionPrior(
        ORGANIC.node_cardinalities,
        ORGANIC.pair_cardinalities,
        32,
        16,
        num_trunk_blocks=2,
        num_heads=4,
        hidden=32,
    ).eval()


def batch(num: int, width: int) -> TorsionBatch:
    generator = torch.Generator().manual_seed(num)
    nodes = torch.stack(
        [torch.randint(1, c, (1, width), generator=generator) for c in ORGANIC.node_cardinalities], -1
    )
    pairs = torch.stack(
        [torch.randint(0, c, (1, width, width), generator=generator) for c in ORGANIC.pair_cardinalities], -1
    )
    atoms = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
    graph = GraphBatch(
        nodes,
        pairs,
        torch.ones(1, width, dtype=torch.bool),
        torch.zeros(0, 4, dtype=torch.long),
        torch.zeros(0),
    )
    return TorsionBatch(graph, torch.zeros(2, dtype=torch.long), atoms, torch.tensor([CRYSTAL, MINIMUM]))


def test_a_torsion_may_be_named_from_either_end(prior: TorsionPrior):
    torsions = batch(1, 6)
    found = prior(replace(torsions, atoms=torsions.atoms.flip(-1)))
    torch.testing.assert_close(found, prior(torsions))


def test_padding_and_others_in_the_batch_do_not_matter(prior: TorsionPrior):
    small, large = batch(1, 6), batch(2, 9)
    pad = torch.nn.functional.pad
    both = TorsionBatch(
        GraphBatch(
            torch.cat([pad(small.graph.node_codes, (0, 0, 0, 3)), large.graph.node_codes]),
            torch.cat([pad(small.graph.pair_codes, (0, 0, 0, 3, 0, 3)), large.graph.pair_codes]),
            torch.cat([pad(small.graph.mask, (0, 3)), large.graph.mask]),
            torch.zeros(0, 4, dtype=torch.long),
            torch.zeros(0),
        ),
        torch.tensor([0, 0, 1, 1]),
        torch.cat([small.atoms, large.atoms]),
        torch.cat([small.source, large.source]),
    )
    torch.testing.assert_close(prior(both), torch.cat([prior(small), prior(large)]), atol=1e-5, rtol=1e-5)


def test_the_distribution_does_not_depend_on_the_order_of_the_atoms(prior: TorsionPrior):
    mol = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    order = np.random.default_rng(3).permutation(mol.GetNumAtoms()).tolist()
    found = []
    for one in (mol, Chem.RenumberAtoms(mol, order)):
        distribution = torsion_distribution(prior, one, mol_to_graph(one, None, ORGANIC), CRYSTAL)
        np.testing.assert_allclose(distribution.probabilities.sum(1), 1, atol=1e-6)
        assert distribution.probabilities.shape == (len(distribution.rotors), NUM_BINS)
        found.append(sorted(distribution.probabilities.max(1)))
    np.testing.assert_allclose(*found, atol=1e-5)


def test_draws_have_the_probabilities_of_the_bins(prior: TorsionPrior):
    mol = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    distribution = torsion_distribution(prior, mol, mol_to_graph(mol, None, ORGANIC), MINIMUM)
    drawn = distribution.draw(np.random.default_rng(0), 20_000)
    assert (np.abs(drawn) <= 180).all()
    assert abs((drawn > 0).mean() - 0.5) < 0.01
    for rotor in range(len(distribution.rotors)):
        found = np.histogram(np.abs(drawn[:, rotor]), NUM_BINS, (0, 180))[0] / len(drawn)
        np.testing.assert_allclose(found, distribution.probabilities[rotor], atol=0.012)
