"""One way of speaking: what the generators, the command and the configs call a thing, and take it to be by default."""

import inspect
import warnings
from dataclasses import fields

import pytest
from gaussian_images import gaussian_generator
from gaussian_particles import exact_generator
from omegaconf import OmegaConf
from places import CONFIGS

from molediff import ConformerGenerator, ImageGenerator, ParticleGenerator, images, molecules, particles
from molediff.commands.images import images as images_command
from molediff.commands.particles import particles as particles_command

ORDER = ["seed", "sampling", "refinement", "limits"]
"""Behind what and how many."""

CALLS = [
    ConformerGenerator.generate_many,
    ImageGenerator.generate,
    ImageGenerator.trajectory,
    ParticleGenerator.generate,
    ParticleGenerator.generate_with_log_prob,
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__qualname__)
def test_the_same_words_come_in_the_same_order(call):
    names = [name for name in inspect.signature(call).parameters if name in ORDER]
    assert names == [name for name in ORDER if name in names]
    assert names[:2] == ["seed", "sampling"]
    parameters = [*inspect.signature(call).parameters.values()]
    number = next(i for i, p in enumerate(parameters) if p.name.startswith("num_"))
    assert parameters[number + 1].name == "seed"
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters[number + 2 :])


def test_the_same_settings_have_the_same_names_in_every_domain():
    def names(kind):
        return [field.name for field in fields(kind)]

    assert names(images.Sampling) == names(molecules.Sampling)[:4] == ["solver", "num_steps", "eta", "grid"]
    assert names(images.Limits) == names(particles.Limits) == ["batch_size"]


def test_all_generators_load_the_same_way():
    for generator in (ConformerGenerator, ImageGenerator, ParticleGenerator):
        names = [*inspect.signature(generator.from_pretrained).parameters]
        assert (names[:2], names[-1]) == (["weights", "device"], "allow")


@pytest.mark.parametrize(
    ("name", "command", "call", "groups"),
    [
        ("images", images_command, ImageGenerator.generate, (images.Sampling, images.Limits)),
        ("particles", particles_command, ParticleGenerator.generate, (particles.Sampling, particles.Limits)),
    ],
)
def test_defaults_are_the_same_in_python_command_and_config(name, command, call, groups):
    python = {field.name: field.default for group in groups for field in fields(group)}
    parameters = inspect.signature(call).parameters.values()
    python |= {p.name: p.default for p in parameters if isinstance(p.default, int | float)}
    typed = {p.name: p.default for p in inspect.signature(command).parameters.values()}
    config = OmegaConf.to_container(OmegaConf.load(CONFIGS / "sample" / f"{name}.yaml"))
    assert {"seed", "num_steps", "batch_size"} <= python.keys() & typed.keys() & config.keys()
    for other in (typed, config):
        shared = python.keys() & other.keys()
        assert {key: other[key] for key in shared} == {key: python[key] for key in shared}


def test_groups_and_words_draw_the_same():
    generator = gaussian_generator()
    grouped = generator.generate(3, seed=1, sampling=images.Sampling("heun", 4), limits=images.Limits(2))
    assert (grouped == generator.generate(3, seed=1, solver="heun", num_steps=4)).all()
    system = exact_generator(0.6)
    grouped = system.generate(3, seed=1, sampling=particles.Sampling(8, 3))
    assert (grouped == system.generate(3, seed=1, num_nodes=8, num_steps=3)).all()


def test_a_setting_given_twice_or_unknown_is_named():
    with pytest.raises(ValueError, match="num_steps is given beside sampling="):
        gaussian_generator().generate(1, sampling=images.Sampling(), num_steps=3)
    with pytest.raises(TypeError, match=r"no setting 'num_step'.*num_steps"):
        exact_generator(0.6).generate(1, num_step=3)
    with pytest.raises(ValueError, match=r"limits must be a molediff.particles.Limits"):
        exact_generator(0.6).generate(1, limits=images.Limits())


def test_the_former_order_of_images_works_with_a_warning():
    generator = gaussian_generator()
    with pytest.warns(DeprecationWarning, match="give label, guidance by name"):
        former = generator.generate(3, 1, 0.5, seed=2, num_steps=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        now = generator.generate(3, seed=2, label=1, guidance=0.5, num_steps=3)
    assert (former == now).all()
