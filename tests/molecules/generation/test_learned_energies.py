"""Energies that the network tells of its own conformers."""

from types import SimpleNamespace

import numpy as np
import pytest
from fake_generators import embedded, knowing, options, telling

from molediff.molecules.auto import AutoGenerator
from molediff.molecules.generation.job import Accepted
from molediff.molecules.generation.order import lowest_first
from molediff.molecules.generation.relaxed_starts import RelaxedStarts
from molediff.molecules.generation.sampler import RawSamples
from molediff.molecules.perception.domain import Domain

LACTAMIDE = "C[C@H](O)C(N)=O"


def test_they_are_those_of_the_conformers_handed_out():
    result = telling(LACTAMIDE).generate(LACTAMIDE, 4, energies="learned")
    assert result.status == "ok"
    assert np.isfinite(result.energies).all()
    assert result.energy_method == "AIMNet2 as learned by the network"
    of_file = telling(LACTAMIDE, weights="some/folder/own.safetensors")
    assert of_file.generate(LACTAMIDE, 1, energies="learned").energy_method == "AIMNet2 as learned by own"
    of_run = telling(LACTAMIDE, weights="runs/second/weights.safetensors")
    assert of_run.generate(LACTAMIDE, 1, energies="learned").energy_method == "AIMNet2 as learned by second"
    ranked = telling(LACTAMIDE).generate(LACTAMIDE, 4, energies="learned", rank=True)
    np.testing.assert_allclose(ranked.energies, np.sort(result.energies))
    by_slot = dict(zip(result.samples[:, 0], result.energies, strict=True))
    np.testing.assert_allclose(ranked.energies, [by_slot[slot] for slot in ranked.samples[:, 0]])


def test_who_is_in_the_batch_does_not_matter():
    generator = telling(LACTAMIDE, "CCO")
    alone = generator.generate(LACTAMIDE, 3, energies="learned")
    _, beside = generator.generate_many(["CCO", LACTAMIDE], 3, energies="learned")
    np.testing.assert_allclose(alone.energies, beside.energies, atol=1e-4)


def test_the_lowest_of_a_pool_are_taken():
    every = telling(LACTAMIDE).generate(LACTAMIDE, 6, energies="learned")
    lowest = telling(LACTAMIDE).generate(LACTAMIDE, 2, pool=6, select="energy", energies="learned")
    np.testing.assert_allclose(lowest.energies, np.sort(every.energies)[:2])


def test_weights_that_have_learned_none_say_so():
    with pytest.raises(ValueError, match="have not learned energies, as energies='learned' needs"):
        knowing(LACTAMIDE).generate(LACTAMIDE, 2, energies="learned")


@pytest.mark.parametrize("beside", [{"relax": "mmff"}, {"fixed": {0: (0.0, 0.0, 0.0)}}])
def test_what_moves_conformers_afterwards_goes_without_them(beside):
    with pytest.raises(ValueError, match=f"beside {next(iter(beside))}=, which moves"):
        telling(LACTAMIDE).generate(LACTAMIDE, 2, energies="learned", **beside)


def test_where_weights_are_picked_those_that_have_them_take_all():
    narrow, general = knowing("CCO", weights="narrow"), telling("CCO", weights="general")
    narrow.domain = general.domain = Domain.of([embedded("CCO")])
    auto = AutoGenerator(narrow, general)
    assert auto.generate("CCO", 1).provenance["weights"] == "narrow"
    assert auto.generate("CCO", 1, energies="learned").provenance["weights"] == "general"


def test_the_preset_of_minima_orders_by_them_where_there_are_some():
    result = telling(LACTAMIDE).generate(LACTAMIDE, 3, preset="minima", prune_rmsd=None)
    assert "learned" in result.energy_method
    assert (np.diff(result.energies) >= 0).all()
    assert knowing(LACTAMIDE).generate(LACTAMIDE, 3, preset="minima").energy_method == "MMFF94s"


def test_the_preset_goes_with_held_atoms():
    held = {0: (0.0, 0.0, 0.0), 1: (1.5, 0.0, 0.0)}
    result = telling(LACTAMIDE).generate(LACTAMIDE, 2, preset="minima", prune_rmsd=None, fixed=held)
    assert result.energy_method == "MMFF94s"


def test_two_atoms_have_one_shape_and_no_energy_above_it():
    result = telling("F").generate("F", 3, energies="learned")
    assert (result.status, result.reason, result.relative_energies.tolist()) == ("ok", "", [0.0, 0.0, 0.0])


def test_without_a_conformer_there_are_none():
    failed = telling("CCO", spoil=lambda x_0, x_t: 3.0 * x_0).generate("CCO", 2, energies="learned")
    assert (failed.status, failed.energies, failed.energy_method) == ("failed", None, None)


def test_what_two_weights_drew_has_energies_of_one_method():
    """The narrow weights know no energies, but they draw two of three."""
    narrow, general = knowing("CCO", weights="narrow"), telling("CCO", weights="general")
    words = {"prune_rmsd": None, "pool": None}
    first = narrow._pipeline("minima", {}, words, asked(3)).begin("CCO")
    x = embedded("CCO").GetConformer().GetPositions()
    first.examine((0, 1), RawSamples(np.stack([x, x])))
    pipeline = general._pipeline("minima", {}, words, asked(3))
    second = pipeline.begin("CCO", first)
    second.examine((2,), RawSamples(x[None], energies=np.array([7.0])))
    result = pipeline.finish(second)
    assert (result.status, result.energy_method) == ("ok", "MMFF94s")
    np.testing.assert_allclose(result.relative_energies, 0.0, atol=1e-6)
    assert pipeline.begin("CCO").options.energies == "learned"


def begun(learned: list[float], by_field: list[float], attempts: list[int]) -> list[int]:
    """The order of conformers of these energies, begun as minima."""
    job = SimpleNamespace(options=SimpleNamespace(init="minima"), before=None)
    job.starts = RelaxedStarts(None, None, 0, len(by_field))  # type: ignore[arg-type]
    job.starts.energies = np.array(by_field)
    job.accepted = {
        slot: Accepted(np.zeros((1, 3)), attempt, energy=energy)
        for slot, (energy, attempt) in enumerate(zip(learned, attempts, strict=True))
    }
    return lowest_first(job)  # type: ignore[arg-type]


def test_two_opinions_order_what_begins_as_minima():
    assert begun([3.0, 0.0, 2.0], [0.0, 1.0, 9.0], [0, 0, 0]) == [1, 0, 2]  # means 0.2, -1.8 and 1.7


def test_last_digits_do_not_change_the_order():
    assert begun([1.0, 1.0 - 1e-6, 1.0 + 1e-6], [0.0, 1e-6, 0.0], [0, 0, 0]) == [0, 1, 2]


def test_what_was_drawn_again_has_one_opinion_and_what_has_none_is_last():
    assert begun([9.0, 1.0, np.nan, 2.0], [0.0, 2.0, 0.0, 4.0], [0, 1, 1, 0]) == [1, 3, 0, 2]
    assert begun([np.nan, np.nan], [5.0, 1.0], [0, 0]) == [0, 1]


def test_the_force_field_s_own_have_none_and_the_result_says_so():
    generator = telling(LACTAMIDE)
    pipeline = generator._pipeline(None, {}, {"energies": "learned"}, asked(2))
    job = pipeline.begin(LACTAMIDE)
    x = embedded(LACTAMIDE).GetConformer().GetPositions()
    job.examine((0,), RawSamples(x[None], energies=np.array([1.5])))
    job.examine((1,), RawSamples(x[None]))
    result = pipeline.finish(job)
    np.testing.assert_equal(result.energies, [1.5, np.nan])
    assert (result.status, result.reason) == (
        "partial",
        "not made by the network: 1 conformer without energy",
    )


def asked(num_conformers: int) -> dict:
    made = options(num_conformers=num_conformers)
    return {
        name: getattr(made, name)
        for name in ("num_conformers", "seed", "trajectory", "fixed", "checks", "strict")
    }


@pytest.mark.parametrize(
    ("smiles", "told"),
    [("C[NH3+]", True), ("[NH3+]CC(=O)[O-]", True), ("C[N+](=O)[O-]", False), ("CCO", False)],
)
def test_of_charges_they_are_told_with_caution(smiles: str, told: bool):
    result = telling(smiles).generate(smiles, 2, energies="learned")
    assert ("learned energies of molecules with charges" in result.reason) == told
    assert "learned" not in telling(smiles).generate(smiles, 2).reason
