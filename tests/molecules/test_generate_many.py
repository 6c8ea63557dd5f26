"""Many molecules through the generator: order, laziness, batches, and what a seed decides."""

import gc
import random
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_generators import knowing, options, random_weights
from rdkit import Chem

from molediff.molecules.generation.sampler import Sampler, plan_batches
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare, sample_generator, sample_generators

LACTAMIDE = "C[C@H](O)C(N)=O"


def test_one_result_for_every_input_in_order():
    inputs = ["CCO", "nonsense", None, "C", Chem.MolFromSmiles("CCN"), "CC.O", "", "CCO"]
    generator = knowing("CCO", "C", "CCN")
    for lookahead in (1, 3, 100):
        results = list(
            generator.generate_many(iter(inputs), num_conformers=2, lookahead=lookahead, num_steps=2)
        )
        assert [r.smiles for r in results] == ["CCO", "nonsense", "None", "C", "CCN", "CC.O", "", "CCO"]
        assert [r.status for r in results] == ["ok", "failed", "failed", "ok", "ok", "failed", "failed", "ok"]
        assert all(r.reason for r in results if r.status != "ok")


def test_generate_many_is_lazy_and_reads_no_further_than_it_says():
    read = []

    def endless():
        while True:
            read.append(1)
            yield "CCO"

    results = knowing("CCO").generate_many(endless(), num_conformers=1, lookahead=5, num_steps=1)
    assert read == []
    assert len(list(islice(results, 6))) == 6
    assert len(read) == 10


def test_look_ahead_is_bounded_in_atoms_too():
    read = []

    def inputs():
        for _ in range(1000):
            read.append(1)
            yield "CCO"

    next(
        knowing("CCO").generate_many(inputs(), num_conformers=10, batch_atoms=90, num_steps=1, lookahead=1000)
    )
    assert len(read) <= 10


def test_conformers_do_not_depend_on_batch_company_or_order():
    smiles = ["CCO", "CCN", "C", LACTAMIDE, "CC=O"]
    generator = knowing(*smiles)
    alone = {
        s: generator.generate(s, num_conformers=4, seed=3, num_steps=5).ensemble.coordinates for s in smiles
    }
    for order, batch_atoms, lookahead in [
        (smiles, 30, 2),
        (smiles[::-1], 10_000, 99),
        (smiles + smiles, 1, 4),
    ]:
        results = generator.generate_many(
            order, num_conformers=4, seed=3, num_steps=5, batch_atoms=batch_atoms, lookahead=lookahead
        )
        for result in results:
            np.testing.assert_allclose(result.ensemble.coordinates, alone[result.smiles], atol=1e-4)


@pytest.mark.parametrize("solver", ["dpmpp_2m", "ancestral"])
def test_raw_samples_of_a_real_network_do_not_depend_on_their_batch(solver):
    sampler = Sampler(random_weights(), options(solver=solver), torch.device("cpu"), autocast=False)
    molecules = [prepare(s) for s in ("CCO", LACTAMIDE, "CC(C)(C)C")]

    def draw(chosen, slots):
        generators = sample_generators(5, [(m.key, slots) for m in chosen])
        samples = sampler.draw([m.graph for m in chosen], [len(slots)] * len(chosen), generators)
        return [raw.x for raw in samples]

    together = draw(molecules, range(3))
    for i, molecule in enumerate(molecules):
        for slot in range(3):
            (alone,) = draw([molecule], [slot])
            np.testing.assert_allclose(alone[0], together[i][slot], atol=1e-4)


def test_unequal_numbers_of_samples_share_a_batch():
    sampler = Sampler(random_weights(), options(), torch.device("cpu"), autocast=False)
    molecules = [prepare(s) for s in ("CCO", LACTAMIDE)]
    counts = [1, 3]
    generators = sample_generators(0, [(m.key, range(k)) for m, k in zip(molecules, counts, strict=True)])
    first, second = sampler.draw([m.graph for m in molecules], counts, generators)
    assert first.x.shape == (1, 9, 3)
    assert second.x.shape == (3, 13, 3)


def test_seeds_make_the_conformers_and_more_conformers_go_on_where_fewer_ended():
    generator = knowing("CCO")
    few, many, other = (
        generator.generate("CCO", num_conformers=n, seed=seed, num_steps=3).ensemble.coordinates
        for n, seed in [(3, 1), (5, 1), (3, 2)]
    )
    np.testing.assert_allclose(few, many[:3], atol=1e-5)
    assert np.abs(few - other).max() > 0.1
    assert min(np.abs(many[i] - many[j]).max() for i in range(5) for j in range(i)) > 0.1


def test_no_global_random_state_is_touched():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 (it is the global state that is watched)
    torch.manual_seed(1)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    generator = knowing("CCO")
    first = generator.generate("CCO", solver="ancestral", num_steps=3, seed=4).ensemble.coordinates
    after = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1][1], after[1][1])
    assert torch.equal(before[2], after[2])
    torch.manual_seed(99)
    np.testing.assert_array_equal(
        first, knowing("CCO").generate("CCO", solver="ancestral", num_steps=3, seed=4).ensemble.coordinates
    )


def test_memory_does_not_grow_with_the_number_of_inputs():
    held = []
    results = knowing("CCO").generate_many(
        ("CCO" for _ in range(120)), num_conformers=1, num_steps=1, lookahead=8
    )
    for number, _ in enumerate(results, start=1):
        if number % 40 == 0:
            gc.collect()
            held.append(len(gc.get_objects()))  # a result that is kept is two of them
    assert len(held) == 3
    assert max(held) - min(held) < 40


def test_trunk_runs_once_a_batch_of_molecules():
    model = random_weights()
    calls = []
    encode = model.network.encode
    model.network.encode = lambda graph: calls.append(graph.num_graphs) or encode(graph)
    generator = ConformerGenerator(model, device="cpu")
    list(generator.generate_many(["CCO", "CCN", "CCF"], num_conformers=4, num_steps=3, max_attempts=1))
    assert sum(calls) == 3


def test_batches_hold_every_sample_once_within_the_bound():
    rng = np.random.default_rng(0)
    wanted = [
        (SimpleNamespace(name=i, num_atoms=int(n)), tuple(range(int(k))))
        for i, (n, k) in enumerate(rng.integers(1, 40, size=(50, 2)))
    ]
    seen = []
    for batch in plan_batches(wanted, batch_atoms=200):
        sizes = [molecule.num_atoms for molecule, _ in batch]
        assert max(sizes) * sum(len(slots) for _, slots in batch) <= 200
        assert min(sizes) >= 0.9 * max(sizes)
        assert len({molecule.name for molecule, _ in batch}) == len(batch)
        seen += [(molecule.name, slot) for molecule, slots in batch for slot in slots]
    assert sorted(seen) == sorted((molecule.name, slot) for molecule, slots in wanted for slot in slots)


def test_every_sample_has_its_own_random_numbers():
    key, other = prepare("CCO").key, prepare("CCN").key
    numbers = {
        float(sample_generators(seed, [(of, [conformer])], attempt).uniform((1,)))
        for seed, of, conformer, attempt in [
            (0, key, 0, 0),
            (1, key, 0, 0),
            (0, other, 0, 0),
            (0, key, 1, 0),
            (0, key, 0, 1),
        ]
    }
    assert len(numbers) == 5


def test_numbers_of_a_seed_are_those_recorded():
    """A change would change the conformers of every seed people have used, and the noise of samples on file."""
    found = sample_generators(0, [(b"CCO", [0])], 0).uniform((1,))
    assert float(found) == 0.8589449282735586
    assert sample_generator(0, b"CCO", 0, 0).initial_seed() == 15201730647700952799


def test_attempts_end_when_nothing_is_missing():
    assert knowing("CCO").generate("CCO", 2, num_steps=1, max_attempts=10**30).status == "ok"


def test_a_result_is_no_molecule():
    generator = knowing("CCO")
    result = generator.generate("CCO", 1, seed=3)
    for num_workers in (1, 2):
        again, plain = generator.generate_many([result, "CCO"], 2, seed=4, num_workers=num_workers)
        assert (again.status, again.seed, again.num_requested) == ("failed", 4, 2)
        assert "got GenerationResult" in again.reason
        assert plain.status == "ok"


def test_processes_keep_the_properties_of_a_mol_and_of_its_atoms_and_bonds():
    mol = Chem.MolFromSmiles("CCO")
    mol.SetProp("_Name", "ethanol")
    mol.SetIntProp("rank", 3)
    mol.GetAtomWithIdx(2).SetProp("role", "donor")
    mol.GetBondWithIdx(0).SetDoubleProp("order", 1.5)
    generator = knowing("CCO")
    one, two = (next(generator.generate_many([mol], 1, num_workers=n)).mol for n in (1, 2))
    for made in (one, two):
        assert made.GetPropsAsDict(includePrivate=True)["_Name"] == "ethanol"
        assert made.GetIntProp("rank") == 3
        assert made.GetAtomWithIdx(2).GetProp("role") == "donor"
        assert made.GetBondWithIdx(0).GetDoubleProp("order") == 1.5


def test_what_is_no_molecule_never_enters_a_process(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "molediff.molecules.generation.stream.in_order",
        lambda work, groups, num_workers, lost: (
            result for group in groups for result in (seen.extend(group), work(group))[1]
        ),
    )
    inputs = [None, "CCO", 3, 4.0, Chem.MolFromSmiles("CCO"), "nonsense", object]
    results = list(knowing("CCO").generate_many(inputs, 1, num_workers=2, lookahead=2))
    assert [r.status for r in results] == ["failed", "ok", "failed", "failed", "ok", "failed", "failed"]
    assert [type(one) for one in seen] == [str, bytes, str]
