"""Turns about bonds."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.hydrogens import Split
from molediff.networks.turns import Turns
from tests.networks.conftest import SIZES, graphs, learn_what_begins_at_zero

MOLECULES = [
    "CCCC", "OC(=O)c1ccccc1-c1ccncc1", "C1CC2(C1)CCN2CCO", "CC#CCN=[N+]=[N-]", "CCO.CC(C)O", "C/C=C/CC(=O)NC",
    "CO", "C", "[H][H]", "C1CCCCCCCCCCC1CC",
]  # fmt: skip


def turns_of(*smiles: str) -> tuple[Split, Turns]:
    split = Split.of(graphs(*smiles))
    return split, Turns.of(split, torch.float64)


def expected(smiles: str) -> dict[frozenset[int], tuple[frozenset[int], frozenset[int]]]:
    """Both sides of each bond that turns, by RDKit: what falls apart when it is cut."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    found = {}
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        turns = bond.GetBondType() == Chem.BondType.SINGLE and not bond.IsInRing()
        if turns and all(mol.GetAtomWithIdx(i).GetDegree() > 1 for i in ends):
            cut = Chem.RWMol(mol)
            cut.RemoveBond(*ends)
            pieces = [frozenset(piece) for piece in Chem.GetMolFrags(cut)]
            found[frozenset(ends)] = tuple(next(p for p in pieces if i in p) for i in ends)
    return found


def test_they_are_the_single_bonds_that_a_molecule_hangs_together_by():
    split, turns = turns_of(*MOLECULES)
    for b, smiles in enumerate(MOLECULES):
        wanted, found = expected(smiles), set()
        for r in turns.real[b].nonzero()[:, 0].tolist():
            start, end = (int(split.heavy[b, which[b, r]]) for which in (turns.start, turns.end))
            share = turns.share[b, r]
            bond = frozenset((start, end))
            found.add(bond)
            by_end = {next(iter({start, end} & side)): side for side in wanted[bond]}
            larger = len(by_end[start]) - len(by_end[end])
            of_end = {0: 0.5}.get(larger, float(larger > 0))
            for place, atom in enumerate(split.order[b].tolist()):
                if split.mask[b, place]:
                    in_end, in_start = atom in by_end[end], atom in by_end[start]
                    assert float(share[place]) == in_end * of_end - in_start * (1.0 - of_end)
        assert found == set(wanted)
        assert len(found) == int(turns.real[b].sum())
        assert not bool(turns.share[b][~turns.real[b]].any())


def dihedral(places: torch.Tensor, a: int, b: int, c: int, d: int) -> float:
    first, axis, last = places[b] - places[a], places[c] - places[b], places[d] - places[c]
    p, q = torch.linalg.cross(first, axis), torch.linalg.cross(axis, last)
    return math.atan2(float(torch.linalg.cross(p, q) @ axis / axis.norm()), float(p @ q))


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_a_turn_changes_one_torsion_by_its_angle_and_nothing_else(seed: int):
    split, turns = turns_of("CCCC", "CC(F)OCN")
    generator = torch.Generator().manual_seed(seed)
    num_samples, width = 4, split.mask.shape[1]
    places = torch.randn(num_samples, width, 3, generator=generator, dtype=torch.float64)
    angles = (
        2.0 * torch.rand(num_samples, turns.start.shape[1], generator=generator, dtype=torch.float64) - 1.0
    )
    angles = angles * turns.real.repeat_interleave(2, dim=0)
    turned = places + turns.displacements(places, angles)
    for n in range(num_samples):
        b = n // 2
        bonded = split.pair_codes[b, ..., 0] > 0
        for r in turns.real[b].nonzero()[:, 0].tolist():
            u, v = int(turns.start[b, r]), int(turns.end[b, r])
            left, right = (
                [i for i in bonded[x].nonzero()[:, 0].tolist() if i != y]
                + [
                    split.heavy.shape[1] + m
                    for m in range(split.carried.shape[1])
                    if split.carried_mask[b, m] and split.parent[b, m] == x
                ]
                for x, y in ((u, v), (v, u))
            )
            for i in left:
                for j in right:
                    change = (
                        dihedral(turned[n], i, u, v, j)
                        - dihedral(places[n], i, u, v, j)
                        - float(angles[n, r])
                    )
                    assert math.remainder(change, 2 * math.pi) == pytest.approx(0.0, abs=1e-5)
            around = [u, v, *left, *right]
            for x in (u, v):
                near = [i for i in around if i == x or i in (left if x == u else right)] + [u, v]
                before, after = (torch.cdist(p[n, near], p[n, near]) for p in (places, turned))
                assert torch.allclose(before, after, atol=1e-5)
    assert not bool(turns.displacements(places, torch.zeros_like(angles)).any())


def test_a_network_begins_without_turns_and_learns_them():
    torch.manual_seed(0)
    sizes = {**SIZES, "vector_channels": 16, "num_blocks": 2, "hydrogen_channels": 24}
    network = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, num_turns=2, **sizes).eval()
    plain = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, **sizes).eval()
    state = network.state_dict()
    plain.load_state_dict({name: state[name] for name in plain.state_dict()})
    graph = graphs("CCCC", "C", "CO")
    x, lambda_ = torch.randn(3, graph.mask.shape[1], 3), torch.tensor([0.0, 2.0, 4.0])
    output = network(x, lambda_, graph)
    assert torch.allclose(output, plain(x, lambda_, graph), atol=1e-6)
    output.square().sum().backward()
    for head in network.turn_heads.values():
        assert float(head.gate[-1].weight.grad.abs().max()) > 0.0


def test_mirror_images_turn_the_other_way():
    torch.manual_seed(1)
    sizes = {**SIZES, "vector_channels": 16, "num_blocks": 2, "hydrogen_channels": 24}
    network = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, num_turns=1, **sizes).eval()
    learn_what_begins_at_zero(network)
    graph = graphs("CCC(C)CO")
    head, angles = network.turn_heads["1"], []
    head.register_forward_hook(lambda head, given, out: angles.append(head.angles(*given)))
    x = torch.randn(1, graph.mask.shape[1], 3)
    with torch.no_grad():
        for sign in (1.0, -1.0):
            network(sign * x, torch.tensor([2.0]), graph)
    assert torch.allclose(angles[0], -angles[1], atol=1e-5)
    assert float(angles[0].abs().max()) > 1e-3


def test_what_is_held_is_not_turned_against_each_other():
    split, turns = turns_of("Cc1ccccc1-c1ccccc1CCO", "CCCC")
    held = torch.zeros(2, split.mask.shape[1], dtype=torch.bool)
    held[0, [int(split.places[0, atom]) for atom in range(13)]] = True  # the biaryl with its methyl
    left = turns.holding(held)
    assert torch.equal(left.real[1], turns.real[1])
    ends = torch.stack([turns.start[0], turns.end[0]], dim=-1)
    gone = [sorted(split.heavy[0, end].tolist()) for end in ends[turns.real[0] & ~left.real[0]]]
    assert gone == [[6, 7]]


@pytest.mark.parametrize("number", [-1, 4])
def test_turns_after_blocks_that_are_not_there_are_refused(number: int):
    with pytest.raises(ValueError, match="num_turns"):
        HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, num_blocks=3, num_turns=number)
