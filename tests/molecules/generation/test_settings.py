"""Settings in groups or by themselves, and one default for each."""

import inspect
import re

import pytest
from fake_generators import knowing
from omegaconf import OmegaConf
from places import CONFIGS

from molediff.molecules.generation.settings import Limits, Refinement, Sampling, gather
from molediff.molecules.generator import ConformerGenerator


def defaults_of(function) -> dict:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def test_a_group_and_its_words_by_themselves_are_the_same():
    together = gather({"sampling": Sampling(num_steps=3), "limits": Limits(timeout=2.0)}, {"relax": "mmff"})
    apart = gather({}, {"num_steps": 3, "timeout": 2.0, "relax": "mmff"})
    assert together == apart
    assert (apart["batch_atoms"], apart["eta"], apart["relax"]) == (None, None, "mmff")
    assert Refinement(relax="mmff").relax == apart["relax"]


def test_groups_reach_the_sampler():
    generator = knowing("CCO")
    result = generator.generate(
        "CCO", 2, sampling=Sampling(num_steps=3, solver="ddim"), limits=Limits(max_attempts=1)
    )
    assert generator.model.network.evaluations == 3
    assert result.provenance["num_steps"] == 3


def test_a_setting_given_twice_is_an_error():
    with pytest.raises(ValueError, match="num_steps is given beside sampling="):
        knowing("C").generate_many(["C"], sampling=Sampling(), num_steps=3)


def test_what_is_no_group_and_no_setting_is_named():
    with pytest.raises(ValueError, match=r"limits must be a molediff.molecules.Limits"):
        knowing("C").generate_many(["C"], limits={"timeout": 3})
    with pytest.raises(TypeError, match=r"^generate and generate_many have no setting 'num_step'.*num_steps"):
        knowing("C").generate_many(["C"], num_step=3)


def test_what_is_no_setting_is_answered_with_all_that_can_be_set():
    with pytest.raises(TypeError) as error:
        knowing("C").generate("C", 1, foo=1)
    parameters = inspect.signature(ConformerGenerator.generate_many).parameters.values()
    names = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} - {"sampling", "refinement", "limits"}
    assert {*gather({}, {}), *names} <= set(re.findall(r"\w+", str(error.value)))


def test_the_config_has_the_defaults_of_python():
    defaults = {**defaults_of(ConformerGenerator.generate_many), **gather({}, {})}
    config = OmegaConf.to_container(OmegaConf.load(CONFIGS / "sample" / "molecules.yaml"), resolve=False)
    # A solver has a config group of its own, which says its number of steps.
    shared = {key for key in config.keys() & defaults.keys() if not str(config[key]).startswith("${")}
    assert {"seed", "num_conformers", "max_attempts", "batch_atoms"} <= shared
    assert {key: config[key] for key in shared} == {key: defaults[key] for key in shared}
