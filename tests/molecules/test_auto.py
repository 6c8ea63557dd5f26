"""For each molecule the weights that know it, in a stream that stays lazy and in order."""

from itertools import islice

import numpy as np
import pytest
from fake_generators import embedded, knowing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molediff.molecules.auto import GENERAL_WEIGHTS, NARROW_WEIGHTS, AutoGenerator
from molediff.molecules.files.arrays import read_arrays
from molediff.molecules.files.output import open_output
from molediff.molecules.generation.known import KnownMinimum
from molediff.molecules.generation.settings import Limits, Sampling
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.domain import Domain
from molediff.molecules.perception.known_minima import known_minima

FEW, MANY = ("CO", "CCO", "CN"), ("CO", "CCO", "CN", "CC=O", "CF", "C#N")
EXPECTED = {
    **dict.fromkeys(MANY, "general"),
    **dict.fromkeys(FEW, "narrow"),
    **dict.fromkeys(("nonsense", "", "C.C", "[Fe]C"), None),
}


def drawing(smiles, weights, seen):
    """A generator that knows these molecules, of weights that were trained on `seen`."""
    generator = knowing(*smiles, weights=weights)
    generator.domain = Domain.of([embedded(one) for one in seen])
    return generator


@pytest.fixture(scope="module")
def narrow():
    return drawing(MANY, "narrow", FEW)


@pytest.fixture(scope="module")
def general():
    return drawing(MANY, "general", MANY)


@pytest.fixture(scope="module")
def auto(narrow, general):
    return AutoGenerator(narrow, general)


def made_by(results):
    return [(result.smiles, result.provenance.get("weights")) for result in results]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    inputs=st.lists(st.sampled_from(sorted(EXPECTED)), max_size=8),
    lookahead=st.integers(1, 5),
    taken=st.integers(0, 8),
)
def test_results_come_in_order_by_who_knows_them_and_inputs_are_read_as_needed(
    auto, inputs, lookahead, taken
):
    read = []

    def source():
        for smiles in inputs:
            read.append(smiles)
            yield smiles

    stream = auto.generate_many(source(), 1, lookahead=lookahead, max_attempts=1)
    assert read == []
    results = list(islice(stream, taken))
    assert made_by(results) == [(smiles, EXPECTED[smiles]) for smiles in inputs[:taken]]
    assert len(read) <= -(-taken // lookahead) * lookahead


@pytest.mark.parametrize("batch_atoms", [1, 1000])
def test_a_molecule_has_the_numbers_of_its_weights_by_themselves(auto, narrow, general, batch_atoms):
    inputs = ["CF", "CO", "CC=O", "CCO"]
    results = list(auto.generate_many(inputs, 2, seed=3, batch_atoms=batch_atoms))
    for result, alone in zip(results, (general, narrow, general, narrow), strict=True):
        expected = alone.generate(result.smiles, 2, seed=3)
        np.testing.assert_allclose(result.ensemble.coordinates, expected.ensemble.coordinates, atol=1e-4)
        assert result.provenance == expected.provenance
        assert result.reason == expected.reason == ""


def test_what_the_narrow_weights_cannot_draw_the_general_ones_do(general):
    believing = knowing(*MANY, weights="narrow", spoil=lambda x_0, x_t: 3 * x_0 if len(x_0) == 5 else x_0)
    believing.domain = Domain.of([embedded(one) for one in MANY])
    auto = AutoGenerator(believing, general)
    results = list(auto.generate_many(["CF", "CO", "nonsense"], 2, seed=3))
    assert [result.status for result in results] == ["ok", "ok", "failed"]
    assert made_by(results) == [("CF", "general"), ("CO", "narrow"), ("nonsense", None)]
    alone = general.generate("CF", 2, seed=3)
    np.testing.assert_allclose(results[0].ensemble.coordinates, alone.ensemble.coordinates, atol=1e-4)


CARBODIIMIDE = "CC(C)N=C=NC(C)C"


@pytest.fixture(scope="module")
def shared():
    """Most samples of `qm9` have an impossible N=C=N."""
    return ConformerGenerator.from_pretrained(device="cpu").generate(CARBODIIMIDE, 8, seed=1)


def test_what_the_narrow_weights_miss_some_of_the_general_ones_fill_up(shared):
    alone = ConformerGenerator.from_pretrained(NARROW_WEIGHTS, device="cpu").generate(CARBODIIMIDE, 8, seed=1)
    assert 0 < alone.num_conformers < 8
    assert (shared.status, shared.num_conformers) == ("ok", 8)
    assert shared.num_drawn > alone.num_drawn
    by = [made["weights"] for made in shared.provenances]
    assert by.count(NARROW_WEIGHTS) == alone.num_conformers
    mine = shared.ensemble.coordinates[[name == NARROW_WEIGHTS for name in by]]
    np.testing.assert_array_equal(mine, alone.ensemble.coordinates)
    num = by.count(GENERAL_WEIGHTS)
    assert shared.reason.startswith(f"{num} of 8 conformers are drawn by 'drugs', as samples of 'qm9' failed")
    assert shared.provenance["weights"] == "qm9, drugs"
    assert {"num_steps", "weights_sha256"}.isdisjoint(shared.provenance)


def test_files_say_which_weights_drew_each_conformer(shared, tmp_path):
    by = [made["weights"] for made in shared.provenances]
    assert [record.GetProp("weights") for record in sdf_records(shared)] == by
    assert shared.to_dataframe()["weights"].tolist() == by
    with open_output(tmp_path / "out.npz") as writer:
        writer.write(shared, "one")
    (saved,) = read_arrays(tmp_path / "out.npz")
    assert (saved.provenance["weights"], saved.provenance["seed"]) == (by, 1)


def sdf_records(result):
    supplier = Chem.SDMolSupplier()
    supplier.SetData(result.to_sdf(), removeHs=False)
    return list(supplier)


def test_a_pool_that_holds_enough_is_not_filled_up():
    auto = ConformerGenerator.from_pretrained(device="cpu")
    result = auto.generate(CARBODIIMIDE, 2, seed=1, pool=8, max_attempts=6)
    assert (result.num_conformers, result.provenance["weights"]) == (2, NARROW_WEIGHTS)


def test_known_minima_hold_what_the_general_weights_add():
    """Aminoethynylamine: the minima of the general weights are another method's."""
    result = ConformerGenerator.from_pretrained(device="cpu").generate("NC#CN", 8, seed=1)
    assert {made["weights"] for made in result.provenances} == {NARROW_WEIGHTS, GENERAL_WEIGHTS}
    known = KnownMinimum(result.mol, known_minima(result.mol))
    assert known.passes(result.ensemble.coordinates).all()


def test_weights_that_were_asked_in_vain_are_not_advised():
    """Nor frames of two kinds of weights put together."""
    generator = ConformerGenerator.from_pretrained(device="cpu")
    kept = generator.generate(CARBODIIMIDE, 8, seed=1, trajectory=True)
    assert (kept.status, kept.provenances) == ("partial", None)
    assert "or the weights 'drugs'" in kept.reason
    generator.general = knowing(CARBODIIMIDE, weights=GENERAL_WEIGHTS, spoil=lambda x_0, x_t: 3.0 * x_0)
    alone = generator.generate(CARBODIIMIDE, 8, seed=1)
    assert (alone.num_conformers, alone.provenance["weights"]) == (kept.num_conformers, NARROW_WEIGHTS)
    assert "'drugs'" not in alone.reason


def test_processes_give_what_one_gives():
    """Of shipped weights: what goes to a process must be picklable."""
    auto = ConformerGenerator.from_pretrained(device="cpu")
    inputs = ["CCO", "CSc1ccccc1", "nonsense", None, "CC(C)Br"]
    one, two = (list(auto.generate_many(inputs, 1, seed=1, num_workers=n, lookahead=2)) for n in (1, 2))
    assert made_by(one) == made_by(two)
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(mine.ensemble.coordinates, theirs.ensemble.coordinates, atol=1e-4)


def test_what_neither_knows_is_said_or_refused():
    """And what only the general weights know is no reason to refuse."""
    auto = AutoGenerator(drawing(MANY, "narrow", FEW), drawing(MANY, "general", ["CF"]))
    known, unknown = auto.generate_many(["CF", "CC=O"], 1)
    assert (known.reason, unknown.provenance["weights"]) == ("", "general")
    assert "outside what these weights were trained on: the element O" in unknown.reason
    known, refused = auto.generate_many(["CF", "CC=O"], 1, strict=True)
    assert (known.status, refused.status) == ("ok", "failed")
    assert "strict=True" in refused.reason


def test_by_default_weights_are_picked_and_those_of_qm9_keep_their_numbers():
    auto = ConformerGenerator.from_pretrained(device="cpu")
    assert repr(auto).startswith("<ConformerGenerator: weights qm9 for the molecules that they know, ")
    small, drug = auto.generate_many(["C[C@H](O)C(N)=O", "CN1CCN(C(=O)c2ccc(Br)cc2)CC1"], 2, seed=1)
    assert [small.provenance["weights"], drug.provenance["weights"]] == [NARROW_WEIGHTS, GENERAL_WEIGHTS]
    alone = ConformerGenerator.from_pretrained("qm9", device="cpu").generate("C[C@H](O)C(N)=O", 2, seed=1)
    assert np.array_equal(small.ensemble.coordinates, alone.ensemble.coordinates)


def test_nobody_is_told_to_set_what_is_refused_where_weights_are_picked(narrow):
    spoilt, other = (
        knowing("CCO", weights=name, spoil=lambda x_0, x_t: 3.0 * x_0) for name in ("narrow", "general")
    )
    spoilt.domain = narrow.domain
    reason = AutoGenerator(spoilt, other).generate("CCO", 2, max_attempts=1).reason
    assert reason.endswith("try more max_attempts, or num_steps with weights='qm9'")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"num_steps": 3}, "num_steps"),
        ({"solver": "heun", "grid": "karras"}, "solver=, grid"),
        ({"init": "given"}, "init"),
        ({"sampling": Sampling(eta=0.5)}, "eta"),
    ],
)
def test_how_to_sample_is_a_matter_of_named_weights(auto, words, named):
    with pytest.raises(
        ValueError, match=rf"^{named}= cannot be set .* name the weights, 'narrow' or 'general'"
    ):
        auto.generate("CO", 1, **words)


def test_other_options_mean_what_they_mean(auto):
    result = auto.generate("CO", 2, sampling=Sampling(), limits=Limits(max_attempts=1), preset=None)
    assert result.status == "ok"
    with pytest.raises(TypeError, match="nonsense"):
        auto.generate("CO", nonsense=1)
    with pytest.raises(ValueError, match="num_conformers"):
        auto.generate("CO", 0)


class Passes:
    name, remedy = "passes", ""

    def passes(self, x):
        return np.ones(len(x), dtype=bool)


def test_fixed_atoms_and_checks_reach_both(auto):
    held = embedded("CC=O")
    seen = []

    def look(mol):
        seen.append(Chem.MolToSmiles(Chem.RemoveHs(mol)))
        return Passes()

    results = list(auto.generate_many(iter(["CC=O", "CO"]), 1, checks=iter([look])))
    assert sorted(set(seen)) == ["CC=O", "CO"]
    assert [result.status for result in results] == ["ok", "ok"]
    result = auto.generate("CC=O", 1, fixed={0: held.GetConformer().GetPositions()[0]})
    np.testing.assert_allclose(
        result.ensemble.coordinates[0, 0], held.GetConformer().GetPositions()[0], atol=1e-6
    )


def test_weights_without_a_domain_know_no_molecules_of_their_own(general):
    with pytest.raises(ValueError, match="no domain"):
        AutoGenerator(knowing("CO"), general)
