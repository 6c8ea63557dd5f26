"""Pools, the choice from them, and the presets that ask for one."""

import numpy as np
import pytest
from fake_generators import knowing, options, scrambling
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.energies.relax import conformer_energies
from molediff.molecules.generation.presets import settings_of, with_preset
from molediff.molecules.generation.refine import refine
from molediff.molecules.generation.settings import Refinement
from molediff.molecules.spread import spread_order

LACTAMIDE = "C[C@H](O)C(N)=O"
TWO_CENTRES = "C[C@H](O)[C@@H](F)C#N"


def pool(smiles: str, num: int) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=5)
    return mol


def all_good(x: np.ndarray) -> np.ndarray:
    return np.ones(len(x), dtype=bool)


def test_spread_takes_farthest_points_of_the_pool_in_their_order():
    mol = pool("OCCCCN", 9)
    found = refine(mol, options(num_conformers=3, pool=9), all_good)
    assert found.rows.tolist() == spread_order(mol, 3).tolist()
    assert found.num_not_selected == 6


def test_energy_takes_the_lowest_of_the_pool():
    mol = pool("OCCN", 6)
    energies = conformer_energies(mol, "mmff")
    found = refine(mol, options(num_conformers=2, pool=6, select="energy", energies="mmff"), all_good)
    assert found.rows.tolist() == np.argsort(energies)[:2].tolist()


def test_spread_begins_with_the_lowest_energy_and_rank_orders_what_was_chosen():
    mol = pool("OCCN", 6)
    energies = conformer_energies(mol, "mmff")
    found = refine(mol, options(num_conformers=3, pool=6, energies="mmff"), all_good)
    assert found.rows[0] == energies.argmin()
    ranked = refine(mol, options(num_conformers=3, pool=6, energies="mmff", rank=True), all_good)
    assert set(ranked.rows) == set(found.rows)
    assert (np.diff(ranked.energies) >= 0).all()


def test_when_time_is_up_others_fill_the_choice_and_the_result_says_so():
    found = refine(pool("OCCCN", 5), options(num_conformers=3, pool=5), all_good, out_of_time=lambda: True)
    assert found.rows.tolist() == [0, 1, 2]
    assert "time was up" in found.problems[0]


def test_the_generator_draws_the_pool_and_hands_out_what_was_asked_for():
    result = knowing(LACTAMIDE).generate(LACTAMIDE, 2, pool=5)
    assert (result.status, result.num_conformers, result.num_drawn) == ("ok", 2, 5)
    assert (result.num_not_selected, result.provenance["pool"]) == (3, 5)


def test_a_pool_that_is_not_full_is_enough_for_a_full_choice():
    generator, _ = scrambling(TWO_CENTRES)
    result = generator.generate(TWO_CENTRES, 2, pool=12, max_attempts=1, num_steps=1)
    assert sum(result.num_rejected.values()) > 0
    assert (result.status, result.num_conformers) == ("ok", 2)


def test_a_preset_is_its_settings():
    generator = knowing(LACTAMIDE)
    preset, spelled = (
        generator.generate(LACTAMIDE, 3, seed=2, preset="crystal"),
        generator.generate(LACTAMIDE, 3, seed=2, pool=12, select="coverage"),
    )
    np.testing.assert_array_equal(preset.ensemble.coordinates, spelled.ensemble.coordinates)
    assert preset.num_drawn == 12


def test_minima_are_ranked_and_stay_where_they_were_drawn():
    generator = knowing(LACTAMIDE)
    result = generator.generate(LACTAMIDE, 3, seed=2, preset="minima")
    assert result.energy_method == "MMFF94s"
    assert (np.diff(result.energies) >= 0).all()
    assert result.num_drawn == 3 + 16
    drawn = generator.generate(LACTAMIDE, 3 + 16, seed=2).ensemble.coordinates
    for x in result.ensemble.coordinates:
        assert np.abs(drawn - x).max((1, 2)).min() < 1e-4


def test_beside_a_relaxation_minima_are_told_apart_as_those_of_its_method():
    generator = knowing(LACTAMIDE)
    preset, spelled = (
        generator.generate(LACTAMIDE, 3, seed=2, preset="minima", relax="mmff"),
        generator.generate(
            LACTAMIDE,
            3,
            seed=2,
            relax="mmff",
            energies="mmff",
            prune_rmsd=0.125,
            prune_energy=0.05,
            pool=6,
            select="energy",
            rank=True,
        ),
    )
    np.testing.assert_array_equal(preset.energies, spelled.energies)
    np.testing.assert_array_equal(preset.ensemble.coordinates, spelled.ensemble.coordinates)


def test_words_go_before_the_preset():
    assert with_preset("crystal", 10, {}, {"pool": 15})["pool"] == 15
    assert with_preset("minima", 10, {}, {"relax": "gfn2"})["energies"] == "gfn2"
    assert [with_preset("minima", num, {}, {})["pool"] for num in (1, 16, 20)] == [17, 32, 40]
    assert "select" not in with_preset("crystal", 10, {}, {"pool": None})
    assert with_preset(None, 10, {}, {"relax": "mmff"}) == {"relax": "mmff"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"preset": "docking"}, "preset must be one of 'crystal', 'minima'"),
        ({"preset": "crystal", "refinement": Refinement()}, "beside refinement="),
        ({"pool": 1}, "less than the 2 conformers"),
        ({"select": "spread"}, "pool="),
        ({"pool": 4, "select": "energy"}, "needs energies"),
        ({"pool": 4, "select": "best"}, "select must be"),
    ],
)
def test_what_cannot_be_chosen_is_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        knowing("CCO").generate_many(["CCO"], 2, **asked)


def test_presets_scale_with_what_is_asked_for():
    assert settings_of("crystal", 50)["pool"] == 200
    assert settings_of("crystal", 250)["pool"] == 1000
