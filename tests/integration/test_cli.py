"""The front that all scripts share: which words are molecules, and what a user's error looks like."""

import signal
import subprocess
import sys

import pytest
from _cli import split_arguments
from places import SCRIPTS


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
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from _cli import command\n"
        "errors = {'value': ValueError('three\\n  lines\\nof text'), 'bug': TypeError('a bug'),\n"
        "          'file': FileNotFoundError(2, 'No such file', 'x.smi'), 'interrupt': KeyboardInterrupt()}\n"
        "@command('sample', takes_arguments=True)\n"
        "def main(config, arguments):\n"
        "    raise errors[arguments[0]]\n"
        "main()\n"
    )
    return script


def run(script, *words, **environment):
    return subprocess.run(
        [sys.executable, str(script), *words],
        capture_output=True,
        text=True,
        cwd=script.parent,
        env=environment or None,
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["value"], 2, "fails.py: error: three lines of text\n"),
        (["file"], 2, "fails.py: error: No such file: x.smi\n"),
        (["interrupt"], 130, "fails.py: interrupted\n"),
        (
            ["num_confomers=5"],
            2,
            "fails.py: error: there is no config key 'num_confomers', and it is not a SMILES: "
            "did you mean 'num_conformers'?\n",
        ),
    ],
)
def test_a_users_error_is_one_line(failing_script, words, code, message):
    ended = run(failing_script, *words)
    assert (ended.returncode, ended.stderr) == (code, message)


def test_an_interrupt_while_it_still_imports_is_one_line(tmp_path):
    script = tmp_path / "early.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\nimport _cli\nraise KeyboardInterrupt\n"
    )
    ended = run(script)
    assert ended.stderr == "early.py: interrupted\n"
    assert ended.returncode in (130, -signal.SIGINT)


def test_an_unknown_member_of_a_group_names_the_members(failing_script):
    ended = run(failing_script, "solver=hein")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "'solver/hein'" in ended.stderr
    assert "heun" in ended.stderr


def test_a_bug_keeps_its_traceback(failing_script):
    ended = run(failing_script, "bug")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert ended.stderr.endswith("TypeError: a bug\n")


def test_the_traceback_of_a_users_error_can_be_had(failing_script):
    ended = run(failing_script, "value", HYDRA_FULL_ERROR="1")
    assert "Traceback" in ended.stderr
