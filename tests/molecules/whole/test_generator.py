"""What the generator of whole molecules promises, with a network of random weights: most of its graphs are none."""

import pickle

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff import MoleculeGenerator
from molediff.core.discrete import CategoricalModel
from molediff.core.paths import SquareRootVP
from molediff.molecules.whole.alphabet import MOSES, QM9
from molediff.molecules.whole.familiar import Familiar
from molediff.networks.graph_denoiser import GraphDenoiser

HISTOGRAM = [0, 1, 2, 4, 8]


class Prefers(GraphDenoiser):
    """Mostly carbon, and single bonds where atoms have room, so that many graphs are molecules."""

    def forward(self, x_t, lambda_, condition=None):
        logits = super().forward(x_t, lambda_, condition)
        row, column = torch.tril_indices(condition.width, condition.width)
        logits[:, row == column, 0] += 3
        logits[:, (row != column), 1] += 2.0
        logits[:, (row != column), 2:4] -= 3.0
        return logits


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    network = Prefers(9, 4, 9, channels=16, pair_channels=8, num_blocks=1, num_heads=2)
    model = CategoricalModel(network, SquareRootVP(), network.mask_state)
    return MoleculeGenerator(
        model, metadata={"num_atoms_histogram": HISTOGRAM, "formulas": {"C3H8": 1, "C3H4": 1}}
    )


def graphs(generator, num, **words):
    return list(generator.generate(num, seed=3, with_shapes=False, **{"constrained": False, **words}))


def test_every_molecule_asked_for_has_a_result_and_failures_say_why(generator):
    results = graphs(generator, 40)
    assert [result.number for result in results] == list(range(40))
    faults = {result.fault for result in results}
    assert "" in faults
    assert len(faults) > 1
    for result in results:
        assert (result.status == "ok") == (result.fault == "") == (result.reason == "") == bool(result.smiles)
        assert result.num_graphs == 1


def test_a_molecule_depends_on_its_number_alone(generator):
    whole = graphs(generator, 12, batch_size=12)
    small = graphs(generator, 8, batch_size=3)
    assert [result.smiles for result in whole[:8]] == [result.smiles for result in small]
    assert graphs(generator, 1)[0].smiles == whole[0].smiles


def test_seeds_differ_and_global_random_states_are_left_alone(generator):
    before = torch.get_rng_state()
    first = [result.smiles for result in generator.generate(10, seed=1, with_shapes=False)]
    second = [result.smiles for result in generator.generate(10, seed=2, with_shapes=False)]
    assert first != second
    assert torch.equal(torch.get_rng_state(), before)


def test_only_valid_draws_again_and_counts(generator):
    raw, valid = graphs(generator, 20), graphs(generator, 20, only_valid=True)
    assert all(result.status == "ok" for result in valid)
    for one, other in zip(raw, valid, strict=True):
        if one.status == "ok":
            assert (other.smiles, other.num_graphs) == (one.smiles, 1)
        else:
            assert other.num_graphs > 1
            assert other.num_evaluations > one.num_evaluations
    few = graphs(generator, 20, only_valid=True, max_attempts=1)
    assert [result.smiles for result in few] == [result.smiles for result in raw]


def test_as_many_evaluations_as_there_are_entries_unless_fewer_are_asked_for(generator):
    for steps, most in ((None, 10), (3, 3)):
        results = graphs(generator, 20, num_steps=steps)
        assert max(result.num_evaluations for result in results) == most
    sizes = {
        result.mol.GetNumAtoms(): result.num_evaluations for result in graphs(generator, 20) if result.mol
    }
    assert all(evaluations == size * (size + 1) // 2 for size, evaluations in sizes.items())


def test_constrained_graphs_have_no_wrong_valence_and_are_seldom_apart(generator):
    results = graphs(generator, 60, constrained=True)
    assert results[0].provenance["constrained"]
    faults = [result.fault for result in results if result.fault]
    assert set(faults) <= {"fragments"}  # no entry alone could have known
    assert len(faults) < 0.2 * sum(bool(result.fault) for result in graphs(generator, 60))


def test_unfamiliar_graphs_and_those_that_are_no_molecule_are_drawn_again(generator):
    known = Familiar.of([Chem.MolFromSmiles(text) for text in ("C", "CC", "CCC", "CCCC", "CC(C)C")])
    knowing = MoleculeGenerator(generator.model, metadata={**generator.metadata, "familiar": known.to_text()})
    results = graphs(knowing, 30, max_attempts=200)
    assert {result.smiles for result in results} <= {"C", "CC", "CCC", "CCCC", "CC(C)C"}
    assert {result.status for result in results} == {"ok"}
    assert max(result.num_graphs for result in results) > 1
    first = graphs(generator, 30)
    for kept, one in zip(results, first, strict=True):
        assert (kept.num_graphs == 1) == (one.status == "ok" and one.smiles == kept.smiles)
    off = graphs(knowing, 30, familiar=False)
    assert [result.smiles for result in off] == [result.smiles for result in first]
    once = graphs(knowing, 30, max_attempts=1)
    assert "unfamiliar" in {result.fault for result in once}
    with pytest.raises(ValueError, match="familiar=True needs weights"):
        graphs(generator, 1, familiar=True)


def test_num_atoms_and_composition_are_kept(generator):
    assert {r.mol.GetNumAtoms() for r in graphs(generator, 10, num_atoms=3) if r.mol} == {3}
    results = graphs(generator, 6, composition="C3H8", max_attempts=300)
    assert {result.smiles for result in results} == {"CCC"}
    never = graphs(generator, 1, composition="C3H8", max_attempts=1, only_valid=False)[0]
    assert never.status == "ok" or never.fault in ("composition", "fragments", "valence")


def test_a_scaffold_is_in_every_molecule(generator):
    scaffold = Chem.MolFromSmiles("C1CC1")
    results = graphs(generator, 12, scaffold="C1CC1*", only_valid=True, max_attempts=200)
    assert all(result.mol.HasSubstructMatch(scaffold) for result in results if result.status == "ok")
    assert any(result.status == "ok" for result in results)


def test_bounds_and_steps_come_if_asked_for(generator):
    results = graphs(generator, 6, log_prob=True, trajectory=True, num_atoms=3)
    for result in results:
        assert result.states.shape == (6, 6)
        assert ((result.states == 9).sum(1) == [5, 4, 3, 2, 1, 0]).all()
        assert (result.log_prob_bound is None) == (result.mol is None)
        assert result.log_prob_bound is None or result.log_prob_bound < 0


def test_shapes_come_from_the_conformer_model(generator):
    results = list(generator.generate(12, seed=3))
    shaped = [result for result in results if result.status == "ok"]
    assert shaped
    for result in shaped:
        assert result.num_conformers == 1
        assert np.isfinite(result.mol.GetConformer().GetPositions()).all()
        assert result.mol.GetNumAtoms() > Chem.RemoveHs(result.mol).GetNumAtoms()
        assert pickle.loads(pickle.dumps(result)).mol.GetNumConformers() == 1
    assert shaped[0].provenance["shapes"] == "qm9_b3lyp"


def test_bad_input_is_refused_in_a_sentence(generator):
    for words in (
        {"num_molecules": 0},
        {"seed": -1},
        {"num_steps": 0},
        {"max_attempts": 0},
        {"batch_size": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(words))):
            generator.generate(**words)
    with pytest.raises(ValueError, match="order"):
        generator.generate(order="alphabetical")


def test_nan_stops_its_own_molecule_alone(generator, monkeypatch):
    whole = graphs(generator, 4)
    forward = GraphDenoiser.forward

    def broken(self, x_t, lambda_, condition=None):
        logits = forward(self, x_t, lambda_, condition)
        logits[1] = float("nan")
        return logits

    monkeypatch.setattr(GraphDenoiser, "forward", broken)
    results = graphs(generator, 4)
    assert results[1].fault == "entry"
    assert [results[k].smiles for k in (0, 2, 3)] == [whole[k].smiles for k in (0, 2, 3)]


def test_weights_of_another_domain_are_refused_by_name():
    with pytest.raises(ValueError, match="ImageGenerator"):
        MoleculeGenerator.from_pretrained("digits")
    with pytest.raises(ValueError, match="num_atoms_histogram"):
        MoleculeGenerator(CategoricalModel(GraphDenoiser(9), SquareRootVP(), 9))


def test_weights_that_ship_make_molecules_that_differ():
    shipped = MoleculeGenerator.from_pretrained("qm9")
    results = list(shipped.generate(24, seed=1, with_shapes=False, constrained=False))
    found = [result.smiles for result in results if result.status == "ok"]
    assert len(found) >= 20
    assert len(set(found)) >= 19
    assert shipped.weights == "qm9_graphs"
    kept = next(iter(shipped.generate(1, seed=1, scaffold="C1CC1*", with_shapes=False, only_valid=True)))
    assert kept.mol.HasSubstructMatch(Chem.MolFromSmiles("C1CC1"))
    with pytest.raises(ValueError, match="No training molecule"):
        shipped.generate(composition="C9F9")


def test_a_scaffold_with_coordinates_keeps_them():
    scaffold = Chem.AddHs(Chem.MolFromSmiles("c1cc[nH]c1"))
    assert rdDistGeom.EmbedMolecule(scaffold, randomSeed=1) == 0
    scaffold = Chem.RemoveHs(scaffold)
    shipped = MoleculeGenerator.from_pretrained("qm9")
    made = next(iter(shipped.generate(1, seed=1, scaffold=scaffold, only_valid=True)))
    places = made.mol.GetConformer().GetPositions()[: scaffold.GetNumAtoms()]
    np.testing.assert_allclose(places, scaffold.GetConformer().GetPositions(), atol=1e-6)


@pytest.fixture(scope="module")
def ordered():
    torch.manual_seed(0)
    network = GraphDenoiser(9, 4, 9, channels=16, pair_channels=8, num_blocks=1, num_heads=2, ordered=True)
    model = CategoricalModel(network, SquareRootVP(), network.mask_state)
    facts = {"num_atoms_histogram": HISTOGRAM, "alphabet": MOSES.described()}
    return MoleculeGenerator(model, metadata=facts)


def test_weights_say_which_atoms_they_know(ordered, generator):
    assert ordered.alphabet == MOSES
    assert generator.alphabet == QM9
    found = graphs(ordered, 20, constrained=True)
    symbols = {atom.GetSymbol() for one in found if one.mol is not None for atom in one.mol.GetAtoms()}
    assert symbols & {"S", "Cl", "Br"}


def test_weights_that_number_atoms_in_order_go_on_from_none(ordered):
    for asked in ({"composition": "C3H8"}, {"scaffold": "C*"}):
        with pytest.raises(ValueError, match="go on from no given atoms"):
            ordered.generate(1, **asked)


def test_weights_say_how_fast_entries_are_revealed_and_the_call_has_the_last_word(ordered):
    ordered.metadata["max_entropy"] = 0.5
    said = [one.provenance.get("max_entropy") for one in graphs(ordered, 1)]
    asked = [graphs(ordered, 1, **words)[0].provenance for words in ({"max_entropy": 1.0}, {"num_steps": 4})]
    del ordered.metadata["max_entropy"]
    assert said == [0.5]
    assert [one.get("max_entropy") for one in asked] == [1.0, None]
    fast, slow = (graphs(ordered, 6, max_entropy=nats, num_atoms=4) for nats in (4.0, 0.0))
    assert sum(one.num_evaluations for one in fast) < sum(one.num_evaluations for one in slow)
    assert max(one.num_evaluations for one in slow) <= 10


def test_the_bound_of_an_order_counts_no_other_numbering(ordered, generator):
    bounds = [
        {one.log_prob_bound for one in graphs(which, 60, log_prob=True, constrained=True) if one.mol}
        for which in (ordered, generator)
    ]
    assert bounds[0]
    # No state of up to four atoms is likelier than its number of atoms.
    assert all(bound is not None and bound < 0 for bound in bounds[0])


def test_samples_that_are_done_first_cost_nothing_more_and_change_nothing(ordered):
    together = graphs(ordered, 12, max_entropy=0.5, constrained=True)
    alone = graphs(ordered, 12, max_entropy=0.5, constrained=True, batch_size=1)
    assert [one.smiles for one in together] == [one.smiles for one in alone]
    counts = [one.num_evaluations for one in together]
    assert counts == [one.num_evaluations for one in alone]
    assert len({*counts}) > 1
