"""Groups of settings and lists of a config that are given something else."""

import pytest
import yaml
from hydra.utils import get_method
from in_process import run_script
from places import CONFIGS

from molediff.commands.shapes import check_shapes

MEMBERS = sorted(CONFIGS.glob("benchmark/*.yaml"))


def read(file) -> tuple:
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    return get_method(settings.pop("run")), settings


@pytest.mark.parametrize("file", MEMBERS, ids=lambda file: file.stem)
def test_a_config_as_it_stands_has_the_shapes_of_its_function(file):
    check_shapes(*read(file))


@pytest.mark.parametrize("given", [None, "x"])
@pytest.mark.parametrize("file", MEMBERS, ids=lambda file: file.stem)
def test_what_is_no_group_and_no_list_is_told(file, given):
    run, settings = read(file)
    for key in [key for key, value in settings.items() if isinstance(value, dict | list)]:
        with pytest.raises(ValueError, match=rf"^{key} (is a group of settings|takes a list)"):
            check_shapes(run, {**settings, key: given})


def test_what_null_leaves_out_may_be_null():
    run, settings = read(CONFIGS / "benchmark" / "ensembles.yaml")
    check_shapes(run, {**settings, "ours": {"minima": None}})


def test_a_list_inside_a_group_is_looked_at_too():
    run, settings = read(CONFIGS / "benchmark" / "speed.yaml")
    with pytest.raises(ValueError, match=r"^sampling.num_steps takes a list, .* got null$"):
        check_shapes(run, {"sampling": {**settings["sampling"], "num_steps": None}})


def test_the_script_says_it_in_one_line(tmp_path, capsys):
    words = ("benchmark=ensembles", "benchmark.energies=null", "output=out.json")
    assert run_script("benchmark.py", *words, folder=tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "give one of energies.method, energies.num_conformers, energies.num_relaxed; got null" in line
