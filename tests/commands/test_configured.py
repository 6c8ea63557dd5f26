"""What Hydra configures: which words are molecules, and what a user's error looks like."""

import signal
import subprocess
import sys

import pytest
from in_process import run_script
from places import CONFIGS, ROOT

from molediff.commands.config_help import help_text
from molediff.commands.configured import split_arguments


@pytest.mark.parametrize(
    "word", ["CC=O", "c1ccccc1C=O", "C[C@H](O)C(N)=O", "N#Cc1ccc(C=O)cc1", "F/C=C\\F", "out.sdf", "O=C"]
)
def test_a_molecule_is_an_argument(word):
    assert split_arguments([word], "sample") == ([word], [])


@pytest.mark.parametrize(
    "word",
    [
        "solver=heun",
        "num_steps=10",
        "solver.solver.eta=1",
        "+extra=1",
        "~solver",
        "hydra.run.dir=x",
        "output=C=C.sdf",
    ],
)
def test_an_override_goes_to_hydra(word):
    assert split_arguments([word], "sample") == ([], [word])


@pytest.mark.parametrize("word", ["num_step=10", "CC=Q", "tsting=1"])
def test_what_is_neither_looks_like_a_misspelt_override(word):
    assert split_arguments([word], "sample") == ([], [word])


def test_an_existing_file_is_an_argument_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=7.smi").write_text("C\n")
    assert split_arguments(["run=7.smi"], "sample") == (["run=7.smi"], [])


def test_flags_keep_their_values():
    words = ["--cfg", "job", "CCO", "-cd", "folder", "seed=2"]
    assert split_arguments(words, "sample") == (["CCO"], ["--cfg", "job", "-cd", "folder", "seed=2"])


@pytest.fixture(scope="module")
def failing_script(tmp_path_factory):
    """A script that reads configs/sample.yaml and fails as its one argument says."""
    script = tmp_path_factory.mktemp("scripts") / "fails.py"
    script.write_text(
        "from molediff.commands.configured import command\n"
        "errors = {'value': ValueError('three\\n  lines\\nof text'), 'bug': TypeError('a bug'),\n"
        "          'file': FileNotFoundError(2, 'No such file', 'x.smi'),\n"
        "          'data': FileNotFoundError(2, 'No such file', 'data/demo.smi'), 'interrupt': KeyboardInterrupt()}\n"
        "@command('sample', takes_arguments=True)\n"
        "def main(config, arguments):\n"
        "    raise errors[arguments[0]]\n"
        "main()\n"
    )
    return script


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["value"], 2, "fails.py: error: three lines of text\n"),
        (["file"], 2, "fails.py: error: No such file: x.smi\n"),
        (
            ["data"],
            2,
            "fails.py: error: No such file: data/demo.smi: "
            f"it is in {ROOT}; run this there, or give the path of the file\n",
        ),
        (["interrupt"], 130, "fails.py: interrupted\n"),
        (
            ["num_confomers=5"],
            2,
            "fails.py: error: there is no config key 'num_confomers', and it is not a SMILES: "
            "did you mean 'num_conformers'?\n",
        ),
        (
            ["eta=0#5"],
            2,
            "fails.py: error: eta=0#5 cannot be read; if it is meant as it stands, quote the value: \"eta='0#5'\"\n",
        ),
    ],
)
def test_a_users_error_is_one_line(failing_script, tmp_path, capfd, words, code, message):
    assert run_script(failing_script, *words, folder=tmp_path) == code
    assert capfd.readouterr().err == message


def test_an_interrupt_while_it_still_imports_is_one_line(tmp_path):
    script = tmp_path / "early.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport molediff.commands.interrupt\nraise KeyboardInterrupt\n"
    )
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path)
    assert ended.stderr == "early.py: interrupted\n"
    assert ended.returncode in (130, -signal.SIGINT)


def test_an_unknown_member_of_a_group_names_the_members(failing_script, tmp_path, capfd):
    assert run_script(failing_script, "solver=hein", folder=tmp_path) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "'solver/hein'" in line
    assert "heun" in line


def test_a_bug_keeps_its_traceback(failing_script, tmp_path):
    with pytest.raises(TypeError, match="a bug"):
        run_script(failing_script, "bug", folder=tmp_path)


def test_the_traceback_of_a_users_error_can_be_had(failing_script, tmp_path):
    with pytest.raises(ValueError, match="three"):
        run_script(failing_script, "value", folder=tmp_path, HYDRA_FULL_ERROR="1")


def test_help_shows_every_key_with_its_comment():
    text = help_text("sample", ["sample=images", "solver=heun"], "Draw.", takes_arguments=True)
    keys = (CONFIGS / "sample" / "images.yaml").read_text().split("run:")[1].splitlines()[2:]
    assert len(keys) > 15
    assert [line for line in keys if line not in text] == []
    assert "solver=heun  of ancestral, " in text
    assert "Second order on the probability-flow ODE; two network evaluations a step" in text
    assert "_global_" not in text
    assert "molediff.evaluation" not in text
    assert "conformers.sdf # .sdf or .xyz" not in text  # of sample=molecules


def test_help_is_printed_in_place_of_the_work(failing_script, tmp_path, capfd):
    assert run_script(failing_script, "value", "--help", folder=tmp_path) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert "output: conformers.sdf # .sdf or .xyz" in printed.out
    assert "quote them for the shell alone" in printed.out
