"""The prior of torsions: what it must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.torsion_prior import torsion_distribution
from molediff.networks import GraphBatch, TorsionPrior
from molediff.networks.torsion_batch import CRYSTAL, MINIMUM, NUM_BINS, TorsionBatch

SMILES = "CCOC(=O)c1ncccc1F"  # nowhere do two unlike atoms of one element end a torsion
CHIRAL = "CC[C@H](C)[C@H](O)CC"


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
    atoms, seconds = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]]), torch.tensor([[4, -1], [5, 0]])
    graph = GraphBatch(
        nodes,
        pairs,
        torch.ones(1, width, dtype=torch.bool),
        torch.zeros(0, 4, dtype=torch.long),
        torch.zeros(0),
    )
    return TorsionBatch(
        graph,
        torch.zeros(2, dtype=torch.long),
        atoms,
        seconds,
        torch.tensor([CRYSTAL, MINIMUM]),
        torch.zeros(2, dtype=torch.long),
    )


HANDS = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])


def test_a_torsion_may_be_named_from_either_end(prior: TorsionPrior):
    torsions = batch(1, 6)
    turned = replace(torsions, atoms=torsions.atoms.flip(-1), seconds=torsions.seconds.flip(-1))
    torch.testing.assert_close(prior(turned).of_hands(HANDS.flip(-1)), prior(torsions).of_hands(HANDS))


def test_the_mirror_image_has_the_opposite_torsions(prior: TorsionPrior):
    logits = prior(batch(1, 6))
    torch.testing.assert_close(logits.of_hands(-HANDS), logits.of_hands(HANDS).flip(-1))
    even = logits.of_hands(torch.zeros(2, 2))
    torch.testing.assert_close(even, even.flip(-1))
    assert (logits.of_hands(HANDS) - even).abs().max() > 1e-3


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
        torch.cat([small.seconds, large.seconds]),
        torch.cat([small.source, large.source]),
        torch.tensor([0, 0, 1, 1]),
    )
    for found, one, other in zip(prior(both)[:2], prior(small)[:2], prior(large)[:2], strict=True):
        torch.testing.assert_close(found, torch.cat([one, other]), atol=1e-5, rtol=1e-5)


def embedded(smiles: str) -> tuple[Chem.Mol, np.ndarray]:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=5)
    return mol, mol.GetConformer().GetPositions()[None]


def test_the_distribution_does_not_depend_on_the_order_of_the_atoms(prior: TorsionPrior):
    mol, x = embedded(SMILES)
    order = np.random.default_rng(3).permutation(mol.GetNumAtoms()).tolist()
    found = []
    for one, points in ((mol, x), (Chem.RenumberAtoms(mol, order), x[:, order])):
        distribution = torsion_distribution(prior, one, mol_to_graph(one, None, ORGANIC), CRYSTAL)
        probabilities = distribution.probabilities(distribution.rotors.hands(points))[0]
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
        assert probabilities.shape == (len(distribution.rotors), NUM_BINS)
        found.append(sorted(probabilities.max(1)))
    np.testing.assert_allclose(*found, atol=1e-5)


def test_draws_have_the_probabilities_of_the_bins(prior: TorsionPrior):
    mol, x = embedded(SMILES)
    distribution = torsion_distribution(prior, mol, mol_to_graph(mol, None, ORGANIC), MINIMUM)
    drawn = distribution.draw(np.random.default_rng(0), np.repeat(x, 20_000, axis=0))
    assert (np.abs(drawn) <= 180).all()
    expected = distribution.probabilities(distribution.rotors.hands(x))[0]
    for rotor in range(len(distribution.rotors)):
        found = np.histogram(drawn[:, rotor], NUM_BINS, (-180, 180))[0] / len(drawn)
        np.testing.assert_allclose(found, expected[rotor], atol=0.012)


def test_what_is_still_is_drawn_as_it_is(prior: TorsionPrior):
    mol, x = embedded(CHIRAL)
    distribution = torsion_distribution(prior, mol, mol_to_graph(mol, None, ORGANIC), MINIMUM)
    x, now = np.repeat(x, 5, axis=0), distribution.rotors.angles(x)[0]
    drawn = replace(distribution, still=(1,)).draw(np.random.default_rng(0), x)
    np.testing.assert_allclose(drawn[:, 1], now[1])
    others = np.delete(drawn, 1, axis=1)
    np.testing.assert_array_equal(
        others, np.delete(distribution.draw(np.random.default_rng(0), x), 1, axis=1)
    )
    assert np.abs(others - np.delete(now, 1)).max() > 1


def test_mirror_images_draw_mirrored_torsions(prior: TorsionPrior):
    mol, x = embedded(CHIRAL)
    distribution = torsion_distribution(prior, mol, mol_to_graph(mol, None, ORGANIC), CRYSTAL)
    hands = distribution.rotors.hands(x)
    np.testing.assert_array_equal(distribution.rotors.hands(x * [1, 1, -1]), -hands)
    assert np.abs(hands).sum() > 0
    np.testing.assert_allclose(
        distribution.probabilities(-hands), distribution.probabilities(hands)[..., ::-1], atol=1e-9
    )
