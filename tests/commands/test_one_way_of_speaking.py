"""The four generators take the same words, in the same order, with the same defaults: in Python, command and config."""

import inspect
from dataclasses import fields

import pytest
import yaml
from places import CONFIGS

from molediff import ConformerGenerator, ImageGenerator, MoleculeGenerator, ParticleGenerator
from molediff.commands.conformers import conformers
from molediff.commands.images import images
from molediff.commands.molecules import molecules
from molediff.commands.particles import particles
from molediff.images.settings import Limits as ImageLimits
from molediff.images.settings import Sampling as ImageSampling
from molediff.molecules.generation.settings import Limits, Refinement, Sampling
from molediff.molecules.whole.settings import GraphLimits, GraphSampling
from molediff.particles.settings import Limits as ParticleLimits
from molediff.particles.settings import Sampling as ParticleSampling

GENERATORS = {
    "conformers": (ConformerGenerator.generate_many, (Sampling, Refinement, Limits), conformers, "molecules"),
    "molecules": (MoleculeGenerator.generate, (GraphSampling, GraphLimits), molecules, "whole"),
    "particles": (ParticleGenerator.generate, (ParticleSampling, ParticleLimits), particles, "particles"),
    "images": (ImageGenerator.generate, (ImageSampling, ImageLimits), images, "images"),
}
LOADERS = [ConformerGenerator, MoleculeGenerator, ParticleGenerator, ImageGenerator]
GROUPS = {"sampling", "refinement", "limits"}
OTHER_NAMES = {"workers": "num_workers"}
OF_THE_SOLVER = {"solver", "num_steps"}
"""In a config the group `solver` has their defaults."""


def in_python(name):
    """Every word of the call and of its groups, flat and in order, with its default."""
    call, groups, _, _ = GENERATORS[name]
    parameters = [
        p for p in inspect.signature(call).parameters.values() if p.name not in ("self", "molecules")
    ]
    words = {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD and p.name not in GROUPS}
    return words | {field.name: field.default for group in groups for field in fields(group)}


def in_command(name):
    parameters = inspect.signature(GENERATORS[name][2]).parameters.values()
    return {OTHER_NAMES.get(p.name, p.name): p.default for p in parameters}


def in_config(name):
    return yaml.safe_load((CONFIGS / "sample" / f"{GENERATORS[name][3]}.yaml").read_text())


def shared(one, other):
    return [word for word in one if word in other], [word for word in other if word in one]


@pytest.mark.parametrize("name", GENERATORS)
def test_the_command_has_the_words_of_python_in_their_order_with_their_defaults(name):
    python, command = in_python(name), in_command(name)
    ours, theirs = shared(python, command)
    assert ours == theirs
    assert {word: python[word] for word in ours} == {word: command[word] for word in ours}
    assert len(ours) > 4


@pytest.mark.parametrize("name", GENERATORS)
def test_the_config_has_the_words_of_python_in_their_order_with_their_defaults(name):
    python, config = in_python(name), in_config(name)
    ours, theirs = shared(python, config)
    assert ours == theirs
    plain = [word for word in ours if word not in OF_THE_SOLVER]
    assert {word: python[word] for word in plain} == {word: config[word] for word in plain}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_call_begins_with_how_many_and_seed_and_names_all_else(name):
    parameters = [
        p
        for p in inspect.signature(GENERATORS[name][0]).parameters.values()
        if p.name not in ("self", "molecules")
    ]
    number, seed, *named = parameters
    assert number.name.startswith("num_")
    assert (seed.name, seed.default) == ("seed", 0)
    assert {p.kind for p in named} == {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    groups = [p.name for p in named if p.name in GROUPS]
    assert groups == [group for group in ("sampling", "refinement", "limits") if group in groups]
    assert {"sampling", "limits"} <= {*groups}
    assert all(p.default is None for p in named if p.name in GROUPS)


@pytest.mark.parametrize("kind", LOADERS, ids=lambda kind: kind.__name__)
def test_weights_are_loaded_by_the_same_words(kind):
    parameters = list(inspect.signature(kind.from_pretrained).parameters)
    assert parameters[:2] == ["weights", "device"]
    assert parameters[-1] == "allow"
    assert list(inspect.signature(kind).parameters)[:3] == ["model", "metadata", "device"]
