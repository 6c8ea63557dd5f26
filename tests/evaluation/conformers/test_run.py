"""The command, as a user runs it."""

import json
import runpy
import sys

import pytest
from places import SCRIPTS
from rdkit import Chem

from molediff.commands.exits import BAD_WEIGHTS, WRONG_ARGUMENTS


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `evaluate.py` with arguments in an empty folder, in this process: its imports take seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def command(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["evaluate.py", *words])
        runpy.run_path(str(SCRIPTS / "evaluate.py"), run_name="__main__")

    return command


def test_own_references_give_a_report(run, tmp_path, embed, capsys):
    mol = embed("CC(O)C#N", 2)
    blocks = [Chem.MolToMolBlock(mol, confId=index) + "$$$$\n" for index in (0, 1)]
    (tmp_path / "own.sdf").write_text("".join(blocks))
    run(
        *("references=own.sdf", "weights=null", "num_conformers=null"),
        *("viewer=false", "output=out", "progress=false"),
    )
    assert "ETKDGv3 + MMFF94s" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["metrics.json", "report.html"]
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["methods"]["ETKDGv3"]["num_requested"] == 4


@pytest.mark.parametrize(("weights", "said"), [("drugs", 1), ("qm9", 0)])
def test_weights_for_drug_like_molecules_on_qm9s_references_are_a_note(
    run, tmp_path, embed, capsys, monkeypatch, weights, said
):
    monkeypatch.setattr(
        "molediff.evaluation.conformers.run._references", lambda *_: ([embed("CCO", 1)], None, "QM9")
    )
    few = ("num_conformers=1", "max_plausibility=0", "etkdg=false", "viewer=false", "device=cpu")
    run(f"weights={weights}", *few, "output=out", "progress=false")
    assert capsys.readouterr().err.count("note: the weights drugs are for drug-like molecules") == said
    caution = json.loads((tmp_path / "out" / "metrics.json").read_text())["protocol"].get("caution")
    assert (caution is not None) == bool(said)


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["weights=missing.safetensors"], "missing.safetensors", BAD_WEIGHTS),
        (["num_molecule=5"], "did you mean 'num_molecules'", WRONG_ARGUMENTS),
        (["output=blocked/out"], "blocked", WRONG_ARGUMENTS),
        (["weights=null", "references=missing.sdf"], "missing.sdf", WRONG_ARGUMENTS),
    ],
)
def test_user_errors_are_one_line_and_a_code(run, tmp_path, capsys, words, message, code):
    (tmp_path / "blocked").write_text("a file, not a folder")
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == code
    errors = capsys.readouterr().err.strip()
    assert message in errors
    assert len(errors.splitlines()) == 1
