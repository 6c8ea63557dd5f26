"""What is done with conformers once they passed: energies, windows, ranks, weights, pruning, time."""

import itertools
import pickle
import sys

import numpy as np
import pytest
from fake_generators import knowing, options
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolAlign

from molediff.molecules.conformers import GAS_CONSTANT, with_conformers
from molediff.molecules.energies import xtb
from molediff.molecules.energies.relax import (
    Relaxed,
    conformer_energies,
    distinct_conformers,
    relax_conformers,
)
from molediff.molecules.errors import XTBError
from molediff.molecules.generation import stream
from molediff.molecules.generation.refine import refine
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.sampler import Sampler
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.rotors import POLAR, Rotors

LACTAMIDE = "C[C@H](O)C(N)=O"


def conformers(smiles: str, num: int, seed: int = 5) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=seed)
    return mol


def result_of(mol: Chem.Mol, energies, method: str = "MMFF94s") -> GenerationResult:
    return GenerationResult("", mol, "ok", "", 3, 0, energies=np.array(energies, float), energy_method=method)


def all_good(x: np.ndarray) -> np.ndarray:
    return np.ones(len(x), dtype=bool)


# Energies ---------------------------------------------------------------------------------------------------------


def test_rank_numbers_conformers_by_energy_and_takes_everything_along():
    mol = conformers("OCCN", 6)
    energies = conformer_energies(mol, "mmff")
    x = [np.array(c.GetPositions()) for c in mol.GetConformers()]
    found = refine(mol, options(energies="mmff", rank=True), all_good)
    order = np.argsort(energies)
    np.testing.assert_array_equal(found.rows, order)
    np.testing.assert_allclose(found.energies, energies[order])
    assert (np.diff(found.energies) > 0).all()
    for i, row in enumerate(order):
        np.testing.assert_array_equal(found.mol.GetConformer(i).GetPositions(), x[row])


def test_window_keeps_what_is_near_the_lowest_and_counts_the_rest():
    mol = conformers("OCCN", 6)
    relative = conformer_energies(mol, "mmff")
    relative -= relative.min()
    window = float(np.sort(relative)[2]) + 1e-6
    found = refine(mol, options(energies="mmff", energy_window=window), all_good)
    np.testing.assert_array_equal(found.rows, np.flatnonzero(relative <= window))
    assert (len(found.rows), found.num_outside_window) == (3, 3)


def test_a_result_is_ranked_end_to_end_with_its_trajectory():
    result = knowing(LACTAMIDE).generate(
        LACTAMIDE,
        3,
        num_steps=3,
        relax="mmff",
        energies="mmff",
        rank=True,
        energy_window=5.0,
        trajectory=True,
    )
    assert result.status == "ok", result.reason
    assert (np.diff(result.energies) >= 0).all()
    assert result.energy_method == "MMFF94s"
    assert result.trajectory.x_t.shape[1] == result.num_conformers == 3
    assert result.provenance["num_steps"] == 3
    assert "DPMSolverPP2M" in result.provenance["solver"]


def test_boltzmann_weights_of_two_levels_are_as_the_textbook_says():
    rt = GAS_CONSTANT * 300
    weights = result_of(conformers("CO", 3), [5.0, 5.0 + rt * np.log(2), np.nan]).boltzmann_weights(300)
    np.testing.assert_allclose(weights, [2 / 3, 1 / 3, 0.0])
    # 1 kcal/mol at room temperature: a factor of 5.4
    weights = result_of(conformers("CO", 3), [-12000.0, -11999.0, -11000.0]).ensemble.weights
    assert weights[0] / weights[1] == pytest.approx(5.41, abs=0.01)
    assert weights.sum() == pytest.approx(1)


def test_weights_without_energies_or_at_no_temperature_are_refused():
    result = result_of(conformers("CO", 3), [1.0, 2.0, 3.0])
    for temperature in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="above 0 Kelvin"):
            result.boltzmann_weights(temperature)
    with pytest.raises(ValueError, match="no energies"):
        GenerationResult.failure("x", "why", 1, 0).boltzmann_weights()


def test_ensemble_is_plain_arrays():
    mol = conformers("CO", 3)
    ensemble = result_of(mol, [1.0, 2.0, 3.0]).ensemble
    assert ensemble.atomic_numbers.tolist() == [6, 8, 1, 1, 1, 1]
    assert (ensemble.coordinates.shape, ensemble.coordinates.dtype, len(ensemble)) == (
        (3, 6, 3),
        np.float64,
        3,
    )
    assert ensemble.energies.tolist() == [1.0, 2.0, 3.0]
    assert ensemble.weights.argmax() == 0
    empty = GenerationResult.failure("x", "why", 1, 0).ensemble
    assert (len(empty), empty.energies, empty.weights) == (0, None, None)


def test_a_pickled_result_is_the_same_to_the_last_digit():
    result = result_of(conformers("CO", 3), [1.0, 2.0, 3.0])
    result.mol.SetProp("name", "methanol")
    back = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(back.ensemble.coordinates, result.ensemble.coordinates)
    assert back.mol.GetProp("name") == "methanol"
    assert pickle.loads(pickle.dumps(GenerationResult.failure("x", "why", 1, 0))).reason == "why"


# GFN2-xTB ---------------------------------------------------------------------------------------------------------


def test_gfn2_relaxes_and_weighs():
    pytest.importorskip("tblite")
    raw = knowing("CO").generate("CO", 2, energies="gfn2")
    relaxed = knowing("CO").generate("CO", 2, relax="gfn2", energies="gfn2")
    assert relaxed.status == "ok", relaxed.reason
    assert relaxed.energy_method == "GFN2-xTB"
    assert (relaxed.energies < raw.energies - 0.1).all()
    assert np.ptp(relaxed.energies) < 0.02  # one minimum


def test_conformers_on_which_gfn2_fails_are_counted_or_have_no_energy(monkeypatch):
    def fail(mol, conf_id=-1, fixed=()):
        if conf_id == 1:
            raise XTBError("no")
        return float(conf_id)

    monkeypatch.setattr(xtb, "relax", fail)
    monkeypatch.setattr(xtb, "energy", fail)
    monkeypatch.setattr("molediff.molecules.generation.options.require_tblite", lambda: None)
    weighed = refine(conformers("CO", 3), options(energies="gfn2", rank=True), all_good)
    np.testing.assert_array_equal(weighed.rows, [0, 2, 1])
    assert np.isnan(weighed.energies[2])
    assert weighed.problems == ["GFN2-xTB failed: 1 conformer without energy"]
    relaxed = refine(conformers("CO", 3), options(relax="gfn2"), all_good)
    assert (relaxed.num_relaxation_rejected, relaxed.rows.tolist(), relaxed.problems) == (1, [0, 2], [])


def test_a_molecule_without_a_force_field_still_gets_its_other_energies(monkeypatch):
    monkeypatch.setattr("rdkit.Chem.rdForceFieldHelpers.MMFFGetMoleculeProperties", lambda *_, **__: None)
    monkeypatch.setattr(xtb, "energy", lambda mol, conf_id: -float(conf_id))
    monkeypatch.setattr("molediff.molecules.generation.options.require_tblite", lambda: None)
    found = refine(conformers("CO", 3), options(relax="mmff", energies="gfn2", rank=True), all_good)
    assert found.problems == ["MMFF94s has no parameters for this molecule: the conformers are not relaxed"]
    assert found.energies.tolist() == [-2, -1, 0]


def test_gfn2_that_is_not_installed_is_an_error_before_anything_is_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite", None)
    for option in ({"relax": "gfn2"}, {"energies": "gfn2"}):
        with pytest.raises(ImportError, match=r"pip install 'molediff\[xtb\]'"):
            knowing("CO").generate_many(iter(["CO"]), **option)


# Pruning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smiles", ["OCCN", "CC(C)(C)O", "OC(=O)CO", "C1CC1CO", "O"])
def test_pruning_is_that_of_all_pairs(smiles):
    mol = conformers(smiles, 12)
    energies = np.random.default_rng(0).normal(size=12)
    heavy = Chem.RemoveHs(mol)
    for threshold in (0.05, 0.3):
        kept = []
        for i in map(int, np.argsort(energies)):
            if all(rdMolAlign.GetBestRMS(Chem.Mol(heavy), heavy, i, j) >= threshold for j in kept):
                kept.append(i)
        assert distinct_conformers(mol, threshold, energies) == sorted(kept)


def test_fixed_atoms_stay_in_a_force_field():
    mol = conformers("OCCN", 2)
    before = [np.array(c.GetPositions()) for c in mol.GetConformers()]
    assert np.isfinite(relax_conformers(mol, "mmff", fixed=[0, 1]).energies).all()
    for conformer, x in zip(mol.GetConformers(), before, strict=True):
        np.testing.assert_allclose(conformer.GetPositions()[:2], x[:2], atol=1e-9)
        assert np.abs(conformer.GetPositions() - x).max() > 0.01


# Time -------------------------------------------------------------------------------------------------------------


def after(num_questions: int):
    """A clock whose time is up after it was asked this often."""
    asked = itertools.count()
    return lambda: next(asked) >= num_questions


def test_what_is_not_relaxed_in_time_is_left_out_and_said():
    found = refine(
        conformers("CO", 5), options(num_conformers=5, relax="mmff"), all_good, out_of_time=after(2)
    )
    assert found.rows.tolist() == [0, 1]
    assert found.num_relaxation_rejected == 0
    assert found.problems == ["time was up before 3 conformers could be relaxed: left out"]


def test_what_is_not_computed_in_time_has_no_energy():
    found = refine(conformers("CO", 5), options(energies="mmff"), all_good, out_of_time=after(2))
    assert np.isnan(found.energies).tolist() == [False, False, True, True, True]
    assert found.problems == ["time was up: 3 conformers without energy"]


def test_relaxation_has_told_the_energy_already():
    asked = options(num_conformers=4, relax="mmff", energies="mmff")
    found = refine(conformers("OCCN", 4), asked, all_good, out_of_time=after(2))
    assert found.rows.tolist() == [0, 1]
    np.testing.assert_allclose(found.energies, conformer_energies(found.mol, "mmff"))
    assert found.problems == ["time was up before 2 conformers could be relaxed: left out"]


def test_no_conformer_is_outside_a_window_for_want_of_an_energy():
    asked = options(energies="mmff", energy_window=1e-9)
    found = refine(conformers("OCCN", 5), asked, all_good, out_of_time=after(2))
    assert np.isnan(found.energies).tolist() == [False, True, True, True]
    assert (found.num_outside_window, found.rows[1:].tolist()) == (1, [2, 3, 4])


@pytest.mark.parametrize(("num_questions", "num_kept"), [(0, 5), (3, 3)])
def test_what_is_not_compared_in_time_is_kept_and_said(num_questions, num_kept):
    alike = conformers("CO", 1)
    mol = with_conformers(alike, [alike.GetConformer().GetPositions()] * 5)
    found = refine(mol, options(prune_rmsd=0.1), all_good, out_of_time=after(num_questions))
    assert (len(found.rows), found.num_pruned) == (num_kept, 5 - num_kept)
    assert "there may be duplicates" in found.problems[0]


def test_minima_that_heavy_atoms_cannot_tell_apart_are_told_by_their_energies():
    """The hydroxyl group of glycolaldehyde, turned: heavy atoms stay where they are."""
    mol = conformers("O=CCO", 1)
    x = mol.GetConformer().GetPositions()
    rotors = Rotors.of(mol)
    turned = rotors.turn(x, np.where(rotors.kind == POLAR, 120.0, 0.0))
    mol = with_conformers(mol, [x, turned, x])
    by_shape = refine(mol, options(prune_rmsd=0.125, energies="mmff"), all_good)
    by_both = refine(mol, options(prune_rmsd=0.125, energies="mmff", prune_energy=0.05), all_good)
    assert (len(by_shape.rows), len(by_both.rows)) == (1, 2)
    assert abs(np.diff(by_both.energies)).item() > 0.05


def test_time_that_was_up_after_the_last_comparison_is_no_matter():
    mol = conformers("OCCN", 4)
    enough = len(mol.GetConformers())
    found = refine(mol, options(prune_rmsd=0.1), all_good, out_of_time=after(enough))
    assert found.problems == []


def test_a_pool_that_time_left_large_enough_is_a_word_of_caution():
    asked = {"relax": "mmff", "energies": "mmff", "pool": 5, "select": "energy"}
    enough = refine(conformers("CO", 5), options(num_conformers=2, **asked), all_good, out_of_time=after(3))
    assert (len(enough.rows), enough.problems) == (2, [])
    assert enough.cautions == ["time was up before 2 conformers could be relaxed: left out"]
    short = refine(conformers("CO", 5), options(num_conformers=4, **asked), all_good, out_of_time=after(3))
    assert short.cautions == []
    assert short.problems[0] == "time was up before 2 conformers could be relaxed: left out"


def test_what_others_of_a_pool_lack_is_no_want_of_those_chosen(monkeypatch):
    """The lowest is at its minimum and has its energy, the others have not."""
    energies = np.array([3.0, 1.0, 2.0])

    def relaxed(mol, *_):
        return Relaxed(energies, np.array([False, True, False]), np.zeros(3, dtype=bool))

    monkeypatch.setattr("molediff.molecules.generation.refine.relax_conformers", relaxed)
    asked = {"relax": "mmff", "energies": "mmff", "pool": 3, "select": "energy"}
    one = refine(conformers("CO", 3), options(num_conformers=1, **asked), all_good)
    assert (one.rows.tolist(), one.problems) == ([1], [])
    two = refine(conformers("CO", 3), options(num_conformers=2, **asked), all_good)
    assert two.problems == ["1 conformer ran out of steps before a minimum was reached"]

    monkeypatch.setattr(
        "molediff.molecules.generation.refine.conformer_energies", lambda *_: np.array([np.nan, 1.0, np.nan])
    )
    asked = {"energies": "mmff", "pool": 3, "select": "energy"}
    one = refine(conformers("CO", 3), options(num_conformers=1, **asked), all_good)
    assert (one.rows.tolist(), one.problems) == ([1], [])
    assert one.cautions == ["MMFF94s failed: 2 conformers of the pool without energy, left out of the choice"]
    two = refine(conformers("CO", 3), options(num_conformers=2, **asked), all_good)
    assert (two.problems, two.cautions) == (["MMFF94s failed: 1 conformer without energy"], [])


def test_a_timeout_that_leaves_all_that_was_asked_for_is_a_word_of_caution(monkeypatch):
    """Four samples of a pool of twelve are drawn in time."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    draw = Sampler.draw

    def slow_draw(self, *of):
        now[0] += 10.0
        return draw(self, *of)

    monkeypatch.setattr(Sampler, "draw", slow_draw)
    of = {"num_steps": 1, "batch_atoms": 18, "timeout": 15.0, "pool": 12}
    unchosen, enough, short = (knowing("CCO").generate("CCO", num, **of) for num in (3, 4, 5))
    assert (unchosen.status, unchosen.num_conformers) == ("partial", 3)
    assert unchosen.reason.endswith("chosen from the pool: others fill up")
    assert (enough.status, enough.num_conformers) == ("ok", 4)
    assert enough.reason == "timeout of 15 s struck; time was up before the conformers were put in order"
    assert (short.status, short.num_conformers) == ("partial", 4)
    assert short.reason.startswith("timeout of 15 s struck; 1 of 5 conformers missing")


def test_a_timeout_strikes_one_molecule_and_no_other(monkeypatch):
    """A draw of ethanol is made to take ten seconds by the clock, one of methane none."""
    generator = knowing("CCO", "C")
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    draw = Sampler.draw

    def slow_draw(self, graphs, *rest):
        now[0] += sum(10.0 for graph in graphs if graph.num_nodes == 9)
        return draw(self, graphs, *rest)

    monkeypatch.setattr(Sampler, "draw", slow_draw)
    slow, fast = generator.generate_many(["CCO", "C"], 6, num_steps=1, batch_atoms=18, timeout=15.0)
    assert fast.status == "ok"
    assert (slow.status, slow.num_conformers, slow.num_drawn) == ("partial", 4, 4)  # two batches of two
    assert "timeout of 15 s struck" in slow.reason
    assert "allow a longer timeout" in slow.reason


def test_a_generous_timeout_changes_nothing():
    plain, timed = (
        knowing("CCO").generate("CCO", 2, num_steps=2, timeout=timeout) for timeout in (None, 600)
    )
    np.testing.assert_array_equal(plain.ensemble.coordinates, timed.ensemble.coordinates)
    assert timed.status == "ok"


# Groups and processes ---------------------------------------------------------------------------------------------


def test_groups_depend_on_the_options_alone():
    few = options(num_conformers=10, batch_atoms=1024, lookahead=256)
    assert [len(group) for group in stream.groups(range(100), few)] == [45, 45, 10]
    half = options(num_conformers=10, batch_atoms=512, lookahead=256)
    assert [len(group) for group in stream.groups(range(50), half)] == [22, 22, 6]
    large = options(num_conformers=10, batch_atoms=4096, lookahead=256)
    assert [len(group) for group in stream.groups(range(100), large)] == [91, 9]
    assert [len(g) for g in stream.groups(range(3), options(relax="mmff", num_conformers=100_000))] == [
        1,
        1,
        1,
    ]


def test_two_processes_give_what_one_does_bit_for_bit():
    smiles = ["CCO", "nonsense", None, "C", LACTAMIDE, prepare("CCO").mol]
    generator = knowing("CCO", "C", LACTAMIDE)
    settings = {"num_conformers": 3, "num_steps": 3, "seed": 2, "solver": "ancestral", "lookahead": 2}
    one, two = (list(generator.generate_many(smiles, num_workers=n, **settings)) for n in (1, 2))
    assert [r.smiles for r in two] == ["CCO", "nonsense", "None", "C", LACTAMIDE, "CCO"]
    for alone, together in zip(one, two, strict=True):
        assert (alone.status, alone.reason, alone.num_drawn) == (
            together.status,
            together.reason,
            together.num_drawn,
        )
        np.testing.assert_array_equal(alone.ensemble.coordinates, together.ensemble.coordinates)
