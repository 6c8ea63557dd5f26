import random
import tracemalloc
from itertools import islice

import numpy as np
import pytest
import torch
from fake_generators import embedded, knowing, random_weights
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from molediff.core.solvers import DDIM, Heun
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.inputs import prepare
from molediff.molecules.options import GenerationOptions
from molediff.molecules.sampling import Demand, Sampler, plan_batches, sample_generator
from molediff.solver_options import SOLVERS

LACTAMIDE = "C[C@H](O)C(N)=O"
MIRROR = torch.tensor([-1.0, 1.0, 1.0])


def options(**changed) -> GenerationOptions:
    settings = {
        "num_conformers": 2, "seed": 0, "solver": "dpmpp_2m", "num_steps": 4, "eta": None, "grid": "central_lambda",
        "batch_atoms": 512, "max_attempts": 2, "lookahead": 8, "relax": None, "energies": None, "prune_rmsd": None,
        "trajectory": False,
    }  # fmt: skip
    return GenerationOptions(**{**settings, **changed})


# What comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [*SOLVERS, Heun(), DDIM(eta=0.5)])
def test_perfect_network_returns_the_true_geometry(solver):
    # Euler-Maruyama approximates what the others solve exactly: it needs more steps and keeps a little noise.
    num_steps, tolerance = (30, 0.05) if solver == "euler_maruyama" else (6, 1e-4)
    result = knowing(LACTAMIDE).generate(
        LACTAMIDE, num_conformers=3, seed=1, solver=solver, num_steps=num_steps
    )
    assert result.status == "ok", result.reason
    assert [c.GetId() for c in result.mol.GetConformers()] == [0, 1, 2]
    truth = embedded(LACTAMIDE)
    for i in range(3):
        assert (
            rdMolAlign.AlignMol(result.mol, truth, prbCid=i, atomMap=[(k, k) for k in range(13)]) < tolerance
        )
    assert result.isomeric_smiles() == 3 * [Chem.CanonSmiles(LACTAMIDE)]
    assert result.num_drawn == 3
    assert result.num_rejected == {}


def test_atom_order_is_that_of_the_smiles_or_of_the_mol():
    generator = knowing("CCO", "OCC")
    for smiles in ("CCO", "OCC"):
        for given in (smiles, Chem.MolFromSmiles(smiles), embedded(smiles)):
            mol = generator.generate(given, num_conformers=1).mol
            assert Chem.MolToSmiles(mol, canonical=False) == Chem.MolToSmiles(
                embedded(smiles), canonical=False
            )


def test_ensemble_is_the_coordinates_of_the_conformers():
    result = knowing("CCO").generate("CCO", num_conformers=3)
    assert result.ensemble.coordinates.shape == (3, 9, 3)
    np.testing.assert_array_equal(result.ensemble.coordinates[2], result.mol.GetConformer(2).GetPositions())
    assert knowing("CCO").generate("nonsense").ensemble.coordinates.shape == (0, 0, 3)


def test_one_and_two_atoms_need_no_network():
    generator = ConformerGenerator(random_weights(), device="cpu")
    helium_like = generator.generate("[F-]", num_conformers=2)
    assert helium_like.status == "ok"
    np.testing.assert_array_equal(helium_like.ensemble.coordinates, np.zeros((2, 1, 3)))
    assert np.linalg.norm(
        np.diff(generator.generate("[H][H]").ensemble.coordinates[0], axis=0)
    ) == pytest.approx(0.74, abs=0.05)


# Checks -----------------------------------------------------------------------------------------------------------


def test_mirror_images_are_reflected_and_counted():
    result = knowing(LACTAMIDE, spoil=lambda x_0, x_t: x_0 * MIRROR).generate(LACTAMIDE, num_conformers=4)
    assert result.status == "ok"
    assert result.num_reflected == 4
    assert set(result.isomeric_smiles()) == {Chem.CanonSmiles(LACTAMIDE)}


def test_diastereomer_is_never_returned():
    asked, other = "C[C@@H](F)[C@H](O)C=O", "C[C@@H](F)[C@@H](O)C=O"
    truth = torch.tensor(embedded(other).GetConformer().GetPositions(), dtype=torch.float32)
    result = knowing(asked, spoil=lambda x_0, x_t: truth).generate(asked, num_conformers=2, max_attempts=3)
    assert result.status == "failed"
    assert result.num_rejected == {"stereo": 6}
    assert result.mol.GetNumConformers() == 0
    assert "stereo" in result.reason


def test_rejected_samples_are_drawn_again():
    """Every other sample, by its noise, is torn apart; all conformers come in the end."""

    def spoil(x_0, x_t):
        return x_0 * (3.0 if x_t[0, 0] > 0 else 1.0)

    result = knowing("CCO", spoil=spoil).generate("CCO", num_conformers=12, num_steps=1, max_attempts=20)
    assert result.status == "ok"
    assert result.num_rejected.keys() == {"bond_length"}
    assert result.num_drawn == 12 + result.num_rejected["bond_length"]


def test_partial_result_says_what_is_missing():
    def spoil(x_0, x_t):
        return x_0 * (3.0 if x_t[0, 0] > 0 else 1.0)

    result = knowing("CCO", spoil=spoil).generate("CCO", num_conformers=12, num_steps=1, max_attempts=1)
    assert result.status == "partial"
    assert 0 < result.num_conformers < 12
    assert f"{12 - result.num_conformers} of 12 conformers missing" in result.reason
    assert [c.GetId() for c in result.mol.GetConformers()] == list(range(result.num_conformers))


def test_nan_from_the_network_is_counted_not_returned():
    result = knowing("CCO", spoil=lambda x_0, x_t: x_0 * float("nan")).generate(
        "CCO", num_conformers=2, max_attempts=2
    )
    assert result.status == "failed"
    assert result.num_rejected == {"not_finite": 4}


def test_untrained_network_yields_nothing_wrong():
    result = ConformerGenerator(random_weights(), device="cpu").generate(
        LACTAMIDE, num_conformers=3, num_steps=3
    )
    assert result.status == "failed"
    assert sum(result.num_rejected.values()) == result.num_drawn == 15


# Many inputs ------------------------------------------------------------------------------------------------------


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
        generators = [[sample_generator(5, m.key, slot, 0) for slot in slots] for m in chosen]
        return [samples.x for samples in sampler.draw([m.graph for m in chosen], generators)]

    together = draw(molecules, range(3))
    for i, molecule in enumerate(molecules):
        for slot in range(3):
            (alone,) = draw([molecule], [slot])
            np.testing.assert_allclose(alone[0], together[i][slot], atol=1e-4)


def test_unequal_numbers_of_samples_share_a_batch():
    sampler = Sampler(random_weights(), options(), torch.device("cpu"), autocast=False)
    molecules = [prepare(s) for s in ("CCO", LACTAMIDE)]
    generators = [
        [sample_generator(0, m.key, slot, 0) for slot in range(k)]
        for m, k in zip(molecules, (1, 3), strict=True)
    ]
    first, second = sampler.draw([m.graph for m in molecules], generators)
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
    generator = knowing("CCO")

    def peak(num_inputs: int) -> int:
        tracemalloc.start()
        for _ in generator.generate_many(
            ("CCO" for _ in range(num_inputs)), num_conformers=1, num_steps=1, lookahead=8
        ):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(16)
    assert peak(240) < 1.3 * peak(40) + 50_000


def test_trunk_runs_once_a_batch_of_molecules():
    model = random_weights()
    calls = []
    encode = model.network.encode
    model.network.encode = lambda graph: calls.append(graph.num_graphs) or encode(graph)
    generator = ConformerGenerator(model, device="cpu")
    list(generator.generate_many(["CCO", "CCN", "CCF"], num_conformers=4, num_steps=3, max_attempts=1))
    assert sum(calls) == 3


# Batches and seeds ------------------------------------------------------------------------------------------------


def test_batches_hold_every_sample_once_within_the_bound():
    rng = np.random.default_rng(0)
    demands = [
        Demand(i, int(n), tuple(range(int(k)))) for i, (n, k) in enumerate(rng.integers(1, 40, size=(50, 2)))
    ]
    seen = []
    for batch in plan_batches(demands, batch_atoms=200):
        width = max(part.num_atoms for part in batch)
        assert width * sum(len(part.slots) for part in batch) <= 200
        assert min(part.num_atoms for part in batch) >= 0.9 * width
        seen += [(part.owner, slot) for part in batch for slot in part.slots]
    assert sorted(seen) == sorted((d.owner, slot) for d in demands for slot in d.slots)


def test_every_sample_has_its_own_random_numbers():
    key, other = prepare("CCO").key, prepare("CCN").key
    seeds = {
        sample_generator(*arguments).initial_seed()
        for arguments in [(0, key, 0, 0), (1, key, 0, 0), (0, other, 0, 0), (0, key, 1, 0), (0, key, 0, 1)]
    }
    assert len(seeds) == 5
    # Recorded: a change would change the conformers of every seed people have used.
    assert sample_generator(0, b"CCO", 0, 0).initial_seed() == 15201730647700952799


# Extras -----------------------------------------------------------------------------------------------------------


def test_relaxation_lowers_the_energy_and_keeps_the_stereo():
    generator = knowing(LACTAMIDE)
    raw = generator.generate(LACTAMIDE, num_conformers=2, energies="mmff")
    relaxed = generator.generate(LACTAMIDE, num_conformers=2, relax="mmff", energies="mmff")
    assert raw.energies.shape == relaxed.energies.shape == (2,)
    assert (relaxed.energies < raw.energies - 1.0).all()
    assert set(relaxed.isomeric_smiles()) == {Chem.CanonSmiles(LACTAMIDE)}


def test_molecule_outside_the_force_field_keeps_its_conformers_and_says_so():
    result = knowing("CCO").generate("[C-]#[O+]", num_conformers=2, relax="mmff", energies="mmff")
    assert result.status == "partial"
    assert "MMFF94s has no parameters" in result.reason
    assert result.num_conformers == 2
    assert result.energies is None


def test_pruning_leaves_one_of_equal_conformers():
    result = knowing(LACTAMIDE).generate(LACTAMIDE, num_conformers=5, prune_rmsd=0.1, energies="mmff")
    assert result.status == "ok"
    assert result.num_conformers == len(result.energies) == 1
    assert result.num_pruned == 4


def test_trajectory_goes_from_noise_to_the_conformers():
    result = knowing(LACTAMIDE, spoil=lambda x_0, x_t: x_0 * MIRROR).generate(
        LACTAMIDE, num_conformers=2, num_steps=7, trajectory=True
    )
    path = result.trajectory
    assert path.times.shape == (7,)
    assert (np.diff(path.times) < 0).all()
    assert path.x_t.shape == path.x_0_hat.shape == (7, 2, 13, 3)
    np.testing.assert_allclose(path.x_0_hat[-1], result.ensemble.coordinates, atol=1e-4)
    assert (
        np.abs(path.x_t[0] - result.ensemble.coordinates).mean()
        > np.abs(path.x_t[-1] - result.ensemble.coordinates).mean()
    )
    assert knowing("C").generate("C").trajectory is None


def test_molecules_larger_than_the_training_ones_are_marked():
    generator = knowing("CCO", "C")
    generator.metadata["max_atoms"] = 6
    assert "more than the 6 of the largest training molecule" in generator.generate("CCO").reason
    assert generator.generate("C").reason == ""


# Bad options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"num_conformers": 0}, "num_conformers.*at least 1; got 0"),
        ({"num_conformers": -3}, "got -3"),
        ({"num_conformers": 2.5}, "whole number"),
        ({"num_steps": 0}, "num_steps"),
        ({"batch_atoms": 0}, "batch_atoms"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"seed": -1}, "seed"),
        ({"solver": "dopri"}, "one of dpmpp_2m, .*got 'dopri'"),
        ({"solver": 3}, "got 3"),
        ({"eta": 0.5}, "has no eta"),
        ({"solver": Heun(), "eta": 0.5}, "Heun"),
        ({"solver": "ddim", "eta": 2.0}, "eta"),
        ({"solver": "ddim", "eta": "x"}, "eta scales the noise"),
        ({"grid": "cubic"}, "grid must be one of"),
        ({"relax": "uff"}, "relax must be one of None, 'mmff', 'gfn2'; got 'uff'"),
        ({"energies": "xtb"}, "energies"),
        ({"prune_rmsd": -0.1}, "prune_rmsd"),
        ({"energy_window": 0, "energies": "mmff"}, "energy_window must be an energy above 0"),
        ({"energy_window": 3.0}, "energy_window needs energies"),
        ({"rank": True}, "rank needs energies"),
        ({"timeout": -1}, "timeout must be a time above 0"),
        ({"timeout": "long"}, "timeout must be a time above 0"),
        ({"num_workers": 0}, "num_workers.*at least 1"),
        ({"num_conformers": 1_000_000}, "more than the 100000 that are held in memory"),
        ({"num_conformers": 2000, "num_steps": 100, "trajectory": True}, "steps of the trajectory"),
        ({"fixed": "CCO"}, "`fixed` must be a Mol with a 3D conformer or a mapping"),
        ({"fixed": {}}, "names no atom"),
        ({"fixed": {0: (0.0, 1.0)}}, "coordinates"),
        ({"fixed": {0: (0.0, 1.0, float("nan"))}}, "finite"),
        ({"fixed": {"C1": (0.0, 1.0, 2.0)}}, "atom indices"),
        ({"fixed": Chem.MolFromSmiles("CO")}, "no 3D conformer"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(changed, says):
    with pytest.raises(ValueError, match=says):
        knowing("C").generate_many(iter(["C"]), **changed)


def test_one_molecule_is_not_many():
    for molecules in ("CCO", None):
        with pytest.raises(ValueError, match="call generate"):
            knowing("C").generate_many(molecules)


@pytest.mark.parametrize("made", [{"device": "abacus"}, {"precision": "float8"}, {"max_atoms": "a"}])
def test_bad_device_or_precision_is_refused(made):
    with pytest.raises(ValueError, match=next(iter(made.values()))):
        ConformerGenerator(random_weights(), **made)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_missing_cuda_is_named():
    with pytest.raises(ValueError, match="no CUDA device"):
        ConformerGenerator(random_weights(), device="cuda")
