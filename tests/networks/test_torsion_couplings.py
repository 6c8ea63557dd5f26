"""Couplings of torsions: what they must not depend on, and that both ways to compute them agree."""

from dataclasses import replace

import pytest
import torch
from rdkit import Chem

from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from molediff.molecules.torsion_prior import shipped_distribution, torsion_batch, torsion_distribution
from molediff.networks import TorsionPrior
from molediff.networks.pretrained import load_torsion_prior
from molediff.networks.torsion_batch import BIN_WIDTH, CRYSTAL, MINIMUM, NUM_BINS, TorsionBatch
from molediff.networks.torsion_couplings import TorsionPairs

SMILES = "CC[C@H](C)[C@H](O)CCOC(=O)c1ncc(CCF)cc1F"


@pytest.fixture(scope="module")
def prior() -> TorsionPrior:
    torch.manual_seed(0)
    prior = TorsionPrior(
        ORGANIC.node_cardinalities,
        ORGANIC.pair_cardinalities,
        32,
        16,
        num_trunk_blocks=2,
        num_heads=4,
        hidden=32,
        num_harmonics=3,
    ).eval()
    assert prior.couplings is not None
    for last in (prior.couplings.to_series, prior.couplings.to_field[-1]):  # what a training would do
        torch.nn.init.normal_(last.weight, std=0.1)
    return prior.requires_grad_(False)


@pytest.fixture(scope="module")
def torsions() -> TorsionBatch:
    mol = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    rotors = Rotors.of(mol)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    return torsion_batch(rotors, mol, mol_to_graph(mol, None, ORGANIC), CRYSTAL)


@pytest.fixture(scope="module")
def measured(torsions: TorsionBatch) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    bins = torch.randint(0, NUM_BINS, (len(torsions.atoms),), generator=generator)
    hands = torch.randint(-1, 2, (len(bins), 2), generator=generator).float()
    return -180 + BIN_WIDTH * (bins + 0.5), hands


def test_what_others_add_is_their_rows_of_the_tables(prior, torsions, measured):
    degrees, hands = measured
    couplings = prior(torsions).couplings
    tables, bins = couplings.tables(hands), ((degrees + 180) / BIN_WIDTH).long()
    pairs, each = couplings.pairs, torch.arange(len(couplings.pairs.first))
    expected = torch.zeros(len(bins), NUM_BINS)
    expected.index_add_(0, pairs.first, tables[each, :, bins[pairs.second]])
    expected.index_add_(0, pairs.second, tables[each, bins[pairs.first], :])
    assert tables.abs().max() > 0.1
    torch.testing.assert_close(couplings.given(degrees, hands), expected, atol=1e-4, rtol=1e-4)


def test_each_of_the_torsions_may_be_named_from_either_end(prior, torsions, measured):
    degrees, hands = measured
    expected = prior(torsions).given_others(degrees, hands)
    for chosen in (torch.arange(len(degrees)), torch.tensor([1, 4])):
        atoms, seconds, swapped = torsions.atoms.clone(), torsions.seconds.clone(), hands.clone()
        atoms[chosen], seconds[chosen] = atoms[chosen].flip(-1), seconds[chosen].flip(-1)
        swapped[chosen] = swapped[chosen].flip(-1)
        found = prior(replace(torsions, atoms=atoms, seconds=seconds)).given_others(degrees, swapped)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_order_of_the_torsions_does_not_matter(prior, torsions, measured):
    degrees, hands = measured
    order = torch.randperm(len(degrees), generator=torch.Generator().manual_seed(2))
    parts = {name: getattr(torsions, name)[order] for name in ("molecule", "atoms", "seconds", "source")}
    found = prior(replace(torsions, **parts)).given_others(degrees[order], hands[order])
    expected = prior(torsions).given_others(degrees, hands)[order]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_mirror_image_has_the_opposite_torsions(prior, torsions, measured):
    degrees, hands = measured
    logits = prior(torsions)
    mirrored = logits.given_others(-degrees, -hands)
    torch.testing.assert_close(mirrored, logits.given_others(degrees, hands).flip(-1), atol=1e-4, rtol=1e-4)
    without_hands = logits.couplings.tables(torch.zeros_like(hands))
    assert (logits.couplings.tables(hands) - without_hands).abs().max() > 1e-2


def test_torsions_are_coupled_within_reach_and_within_their_conformer(torsions):
    pairs = TorsionPairs.of(torsions, reach=2)
    far = TorsionPairs.of(torsions, reach=30)
    num = len(torsions.atoms)
    assert len(far.first) == num * (num - 1) // 2 > len(pairs.first) > 0
    bonds = torsions.pair_distances(far.first, far.second).flatten(1)
    # Both bonds are bridges: one end of each is nearer, and the other a bond farther.
    assert (bonds.sort(1).values - bonds.amin(1, keepdim=True)).unique(dim=0).tolist() == [[0, 1, 1, 2]]
    assert int((bonds.amin(1) <= 2).sum()) == len(pairs.first)
    near = [torsions.graph.pair_codes[0, path[2], path[5], 1] - 1 for path in far.path]
    assert torch.stack(near).tolist() == bonds.amin(1).tolist()

    twice = TorsionBatch(
        torsions.graph,
        *(
            getattr(torsions, name).repeat(2, *(1,) * (getattr(torsions, name).ndim - 1))
            for name in ("molecule", "atoms", "seconds", "source")
        ),
        conformer=torch.arange(2).repeat_interleave(num),
    )
    found = TorsionPairs.of(twice, reach=30)
    assert len(found.first) == 2 * len(far.first)
    assert ((found.first < num) == (found.second < num)).all()


def test_nothing_is_coupled_before_the_training(torsions, measured):
    torch.manual_seed(0)
    prior = TorsionPrior(
        ORGANIC.node_cardinalities, ORGANIC.pair_cardinalities, 32, 16, 1, 4, 32, num_harmonics=2
    ).eval()
    degrees, hands = measured
    logits = prior(torsions)
    torch.testing.assert_close(logits.given_others(degrees, hands), logits.of_hands(hands))


def test_a_molecule_with_one_rotatable_bond_has_no_pairs(prior):
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCC"))
    rotors = Rotors.of(mol)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    logits = prior(torsion_batch(rotors, mol, mol_to_graph(mol, None, ORGANIC), CRYSTAL))
    assert logits.couplings.tables(torch.zeros(1, 2)).shape == (0, NUM_BINS, NUM_BINS)
    assert logits.given_others(torch.zeros(1), torch.zeros(1, 2)).shape == (1, NUM_BINS)


def test_the_weights_that_ship_know_the_syn_pentane_clash():
    """With torsions of +60 and -60 degrees the ends of pentane meet; with both of one sign they do not."""
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCCC"))
    prior = load_torsion_prior("drugs_torsions").eval()
    logits = torsion_distribution(prior, mol, mol_to_graph(mol, None, ORGANIC), MINIMUM).logits
    hands = torch.zeros(2, 2)
    fields = logits.among_others().of_hands(hands)
    law = (fields[0][:, None] + fields[1] + logits.couplings.tables(hands)[0]).flatten().softmax(0)
    law = law.view(NUM_BINS, NUM_BINS)
    gauche = {
        sign: slice(36 + 12 * sign - 3, 36 + 12 * sign + 3) for sign in (1, -1)
    }  # within 15 degrees of it
    alike = law[gauche[1], gauche[1]].sum() + law[gauche[-1], gauche[-1]].sum()
    opposite = law[gauche[1], gauche[-1]].sum() + law[gauche[-1], gauche[1]].sum()
    assert alike > 0.1
    assert opposite < alike / 5


def test_crystals_are_drawn_coupled_and_minima_free():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCCC"))
    graph = mol_to_graph(mol, None, ORGANIC)
    assert shipped_distribution(mol, graph, "crystal").logits.couplings is not None
    assert shipped_distribution(mol, graph, "minima").logits.couplings is None
