"""Properties that are asked for: units, sizes by Bayes' rule, and what cannot be asked."""

import numpy as np
import pytest
import torch

from molediff import MoleculeGenerator
from molediff.core.discrete import CategoricalModel
from molediff.core.paths import SquareRootVP
from molediff.molecules.whole.properties import PropertyScales, WantedProperties
from molediff.networks.graph_denoiser import GraphDenoiser


@pytest.fixture(scope="module")
def known():
    """Molecules of one and two atoms; the gap tells them apart, the dipole does not."""
    rng = np.random.default_rng(0)
    num_atoms = np.repeat([1, 2], [4000, 12000])
    values = {
        "gap": 0.2 + 0.05 * (num_atoms == 2) + 0.02 * rng.standard_normal(16000),
        "dipole_moment": 2 + rng.standard_normal(16000),
    }
    scales = PropertyScales.of(values)
    return scales.described(scales.to_network(values), num_atoms)


def test_values_are_told_in_units_of_their_spread_and_others_are_not_told(known):
    wanted = WantedProperties(known, {"gap": known["mean"][0] + 2 * known["std"][0]}, 3)
    rows = wanted.rows([0, 2])
    assert rows[:, 0].tolist() == pytest.approx([2, 2], abs=1e-5)
    assert rows[:, 1].isnan().all()


def test_a_list_is_one_value_for_each_molecule(known):
    wanted = WantedProperties(known, {"gap": [0.2, 0.25, 0.3]}, 3)
    expected = (np.array([0.3, 0.2]) - known["mean"][0]) / known["std"][0]
    np.testing.assert_allclose(wanted.rows([2, 0])[:, 0], expected, atol=1e-5)


def test_sizes_follow_from_a_property_by_bayes_rule(known):
    prior = np.array([0.0, 0.25, 0.75])
    found = WantedProperties(known, {"gap": 0.21, "dipole_moment": 2.0}, 1).sizes(0, prior)
    odds = 0.25 * np.exp(-0.5 * 0.5**2) / (0.75 * np.exp(-0.5 * 2.0**2))
    assert found[0] == 0
    assert found[1] / found[2] == pytest.approx(odds, rel=0.1)
    fixed = WantedProperties(known, {"gap": 0.21}, 1).sizes(0, np.array([0.0, 0.0, 1.0]))
    assert fixed.tolist() == [0, 0, 1]


def test_what_cannot_be_asked_is_refused_and_what_is_out_of_range_is_warned_of(known):
    for properties, words in (
        ({"colour": 1.0}, "no property 'colour'"),
        ({"gap": [0.1, 0.2]}, "one for each of 3 molecules; got 2"),
        ({"gap": float("nan")}, "must be finite"),
        ({"gap": "high"}, "is a number"),
        ({}, "properties is empty"),
        ("gap", r"a mapping of names to values, such as \{'gap': \.\.\.\}; got 'gap'"),
    ):
        with pytest.raises(ValueError, match=words):
            WantedProperties(known, properties, 3)
    with pytest.raises(ValueError, match="know no properties"):
        WantedProperties(None, {"gap": 0.1}, 3)
    with pytest.warns(UserWarning, match="gap of the training molecules is between"):
        WantedProperties(known, {"gap": 5.0}, 3)


def small_generator(known):
    torch.manual_seed(0)
    network = GraphDenoiser(
        9, 4, 9, channels=16, pair_channels=8, num_blocks=1, num_heads=2, num_properties=2
    )
    torch.nn.init.normal_(network.properties[-1].weight, std=3.0)
    model = CategoricalModel(network, SquareRootVP(), network.mask_state)
    return MoleculeGenerator(model, metadata={"num_atoms_histogram": [0, 1, 3], "properties": known})


def test_the_generator_tells_the_network_and_guidance_takes_twice_the_evaluations(known):
    generator = small_generator(known)

    def drawn(**words):
        return list(generator.generate(24, seed=1, with_shapes=False, num_atoms=2, **words))

    low, high = drawn(properties={"gap": 0.16}), drawn(properties={"gap": 0.32})
    assert [one.smiles for one in low] != [one.smiles for one in high]
    mixed = drawn(properties={"gap": [0.16, 0.32] * 12})
    assert [one.smiles for one in mixed[::2]] == [one.smiles for one in low[::2]]
    assert [one.smiles for one in mixed[1::2]] == [one.smiles for one in high[1::2]]
    pressed = drawn(properties={"gap": 0.16}, guidance=1.0)
    assert pressed[0].num_evaluations == 2 * low[0].num_evaluations
    assert pressed[0].provenance["properties"] == {"gap": 0.16}
    for words in ({"guidance": 1.0}, {"properties": {"gap": 0.2}, "guidance": -1.0}):
        with pytest.raises(ValueError, match="guidance"):
            drawn(**words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"guidance": float("inf")}, "guidance is a number of at least 0"),
        ({"min_probability": "0.1"}, "min_probability must be a number"),
        ({"only_valid": "no"}, "only_valid must be True or False; got 'no'"),
        ({"familiar": "no"}, "familiar must be True or False; got 'no'"),
        ({"constrained": None}, "constrained must be True or False"),
        ({"scaffold": "C", "attachments": 0}, r"attachments must be a list .*, such as \[0\]; got 0"),
        ({"scaffold": "C", "attachments": "0"}, "attachments must be a list"),
    ],
)
def test_settings_of_a_wrong_kind_are_told(known, words, says):
    with pytest.raises(ValueError, match=says):
        small_generator(known).generate(2, num_atoms=2, **words)


def test_numbers_of_numpy_are_numbers(known):
    words = {"guidance": 1, "max_entropy": 2, "min_probability": 0}
    plain, numpy = (
        [
            one.smiles
            for one in small_generator(known).generate(8, with_shapes=False, properties={"gap": 0.2}, **of)
        ]
        for of in (words, {name: np.int64(value) for name, value in words.items()})
    )
    assert plain == numpy
