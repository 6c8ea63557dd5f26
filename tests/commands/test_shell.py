"""What every command has in common: help, version, one line for each mistake, and an exit code that says which kind."""

import json
import shlex
import subprocess
import sys

import pytest
from at_a_prompt import molediff
from places import ROOT
from typer.main import get_command

import molediff as package
from molediff.commands import exits
from molediff.commands.main import main
from molediff.networks.weights import NoSuchWeightsError, WeightsError
from molediff.runtime.checks import DeviceError

COMMANDS = [
    "conformers",
    "merge",
    "molecules",
    "particles",
    "images",
    "film",
    "evaluate",
    "benchmark",
    "ensembles",
    "doctor",
    "citation",
    "train",
    "weights",
]


def test_the_help_names_every_command_and_every_exit_code(tmp_path):
    ended = molediff("--help", folder=tmp_path)
    assert ended.code == 0
    assert [name for name in COMMANDS if f"  {name} " not in ended.stdout] == []
    assert [code for code, words in exits.MEANINGS.items() if f"{code} {words}" not in ended.stdout] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_without_what_nobody_needs(tmp_path, name):
    ended = molediff(name, "--help", folder=tmp_path)
    assert ended.code == 0
    assert "list[str]" not in ended.stdout
    assert "x>=" not in ended.stdout


def test_the_version_is_that_of_the_package(tmp_path):
    assert molediff("--version", folder=tmp_path).stdout == f"molediff {package.__version__}\n"


def test_help_and_version_load_nothing_that_takes_long():
    code = (
        "import sys; from molediff.commands.main import main\n"
        "try: main(['conformers', '--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'rdkit', 'hydra', 'numpy', 'rich', 'pytorch_lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_version_is_there_at_once():
    """In less than half of the processor time of importing torch, at best of three: others may be busy here."""
    import resource

    def seconds(*words):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    of_torch = min(seconds("-c", "import torch") for _ in range(3))
    assert min(seconds("-m", "molediff", "--version") for _ in range(3)) < of_torch / 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["conformers", "CCO", "--num-confomers", "3"], "did you mean --num-conformers?"),
        (["conformers", "CCO", "-x"], "no such option -x"),
        (["conformers"], "missing argument 'MOLECULE'"),
        (["conformers", "CCO", "-n", "many"], "--num-conformers takes a whole number; got 'many'"),
        (["conformers", "CCO", "-n", "0"], "--num-conformers must be at least 1; got '0'"),
        (["conformers", "CCO", "--prune-rmsd=x"], "--prune-rmsd takes a number; got 'x'"),
        (["conformres", "CCO"], "Did you mean 'conformers'?"),
        (["CC(=O)O"], "molediff conformers 'CC(=O)O' gives its conformers"),
        (["weights", "lsit"], "Did you mean 'list'?"),
        (["--wersion"], "did you mean --version?"),
    ],
)
def test_a_word_that_is_not_understood_is_one_line_with_the_nearest(tmp_path, words, sentence):
    ended = molediff(*words, folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert sentence in ended.line
    assert ended.stdout == ""


def test_no_word_at_all_gets_the_help(tmp_path):
    ended = molediff(folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert ended.stderr.startswith("Usage: molediff")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("x"), exits.WRONG_ARGUMENTS),
        (FileNotFoundError(2, "No such file", "x"), exits.WRONG_ARGUMENTS),
        (FileExistsError("x"), exits.WRONG_ARGUMENTS),
        (ModuleNotFoundError("x", name="tblite"), exits.NOT_INSTALLED),
        (DeviceError("x"), exits.NO_DEVICE),
        (WeightsError("x"), exits.BAD_WEIGHTS),
        (NoSuchWeightsError("x"), exits.BAD_WEIGHTS),
        (KeyboardInterrupt(), exits.INTERRUPTED),
        (OSError(28, "No space left on device"), exits.FAILED),
        (MemoryError(), exits.FAILED),
        (TypeError("a bug"), exits.FAILED),
    ],
)
def test_the_kind_of_an_error_is_its_exit_code(error, code):
    assert exits.code_of(error) == code
    assert len(exits.sentence(error).splitlines()) == 1


def test_the_cause_of_an_error_counts_too():
    error = ValueError("outer")
    error.__cause__ = DeviceError("inner")
    assert exits.code_of(error) == exits.NO_DEVICE


def test_a_bug_is_one_line_and_its_traceback_can_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr("molediff.commands.weights.facts_of", lambda _: [][0])
    ended = molediff("weights", "info", "qm9", folder=tmp_path)
    assert ended.code == exits.FAILED
    assert "--debug shows where" in ended.line
    with pytest.raises(IndexError):
        molediff("weights", "info", "qm9", "--debug", folder=tmp_path)


def test_debug_behind_two_dashes_is_no_option(tmp_path):
    ended = molediff("film", "--", "--debug", folder=tmp_path)
    assert ended.code == exits.NONE_SUCCEEDED
    assert "--debug" in ended.line


def test_a_reader_that_has_enough_is_no_error():
    code = f"{sys.executable} -m molediff --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines()[-1] in ("0", str(exits.CLOSED_PIPE))  # 0: it had printed all
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell):
    environment = {
        "_MOLEDIFF_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "molediff conf",
        "COMP_WORDS": "molediff conf",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "molediff"], capture_output=True, text=True, env=environment, timeout=60
    )
    assert "conformers" in done.stdout


# weights, doctor, citation


def test_weights_are_listed_with_what_they_draw(tmp_path):
    listed = json.loads(molediff("weights", "list", "--json", folder=tmp_path).stdout)
    shipped = {path.stem for path in (ROOT / "molediff" / "weights").glob("*.safetensors")}
    assert set(listed) == shipped
    assert {name: listed[name]["kind"] for name in ("qm9", "digits", "lj13")} == {
        "qm9": "conformers",
        "digits": "images",
        "lj13": "particles",
    }
    text = molediff("weights", "list", folder=tmp_path).stdout
    assert [line.split()[0] for line in text.splitlines()] == sorted(shipped)


def test_good_weights_are_told_from_bad_ones(tmp_path):
    good = ROOT / "molediff" / "weights" / "dw4.safetensors"
    assert "good" in molediff("weights", "check", good, folder=tmp_path).stdout
    altered = bytearray(good.read_bytes())
    altered[-1] ^= 1
    (tmp_path / "altered.safetensors").write_bytes(altered)
    (tmp_path / "short.safetensors").write_bytes(altered[:100])
    for name in ("altered.safetensors", "short.safetensors", "missing.safetensors", "missing"):
        ended = molediff("weights", "check", name, folder=tmp_path)
        assert ended.code == exits.BAD_WEIGHTS
        assert name.split(".")[0] in ended.line


def test_the_doctor_draws_a_conformer_and_names_what_is_missing(tmp_path, monkeypatch):
    found = json.loads(molediff("doctor", "--json", folder=tmp_path).stdout)
    assert found["trial"]["ok"]
    assert found["folders"]["this folder"]["writable"]
    monkeypatch.setattr("molediff.commands.doctor.find_spec", lambda name: None if name == "tblite" else name)
    ended = molediff("doctor", folder=tmp_path)
    assert ended.code == 0
    assert "missing tblite: pip install 'molediff[xtb]'" in ended.stdout


def test_the_doctor_says_when_a_core_package_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("molediff.commands.doctor.find_spec", lambda name: None if name == "e3nn" else name)
    ended = molediff("doctor", folder=tmp_path)
    assert ended.code == exits.NOT_INSTALLED
    assert json.loads(molediff("doctor", "--json", folder=tmp_path).stdout)["missing"] == ["e3nn"]


def test_the_citation_is_of_this_version(tmp_path):
    assert package.__version__ in molediff("citation", folder=tmp_path).stdout


def documented_commands():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    lines = (line for page in pages for line in page.read_text(encoding="utf-8").splitlines())
    return sorted({line for line in lines if line.startswith("molediff ")})


@pytest.mark.parametrize("line", documented_commands())
def test_a_documented_command_is_understood(line):
    """Its options exist and have such values; nothing is drawn."""
    name, *words = shlex.split(line, comments=True)[1:]
    command = get_command(main).commands[name]
    if name == "weights":
        name, *words = words
        command = command.commands[name]
    with command.make_context(name, words):
        pass
