"""The commands of the README, in quick variants, as a user would type them."""

import csv
import errno
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from in_process import run_script
from places import ROOT
from rdkit import Chem

import molediff
from molediff import ConformerGenerator
from molediff.commands import CONFIGS
from molediff.commands.exits import BAD_WEIGHTS, FAILED, WRONG_ARGUMENTS
from molediff.molecules.auto import GENERAL_WEIGHTS
from molediff.networks.weights import load_weights

DEMO = ROOT / "data" / "demo.sdf"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}  # also where molediff is not installed
QUICK = ("num_conformers=2", "threads=1", "progress=false")


def command(script, *words):
    return [sys.executable, str(ROOT / "scripts" / script), *map(str, words)]


@pytest.fixture
def run(tmp_path, capfd):
    """Run a script in an empty folder; what it prints and its exit code, which must be `code`."""

    def script(name, *words, code=0):
        capfd.readouterr()
        found = run_script(name, *words, folder=tmp_path)
        printed = capfd.readouterr()
        assert found == code, printed.err
        return SimpleNamespace(stdout=printed.out, stderr=printed.err)

    return script


def statuses(path):
    with path.open(newline="") as file:
        return [row["status"] for row in csv.DictReader(file)]


def readme_commands():
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("molediff train "):
            yield shlex.split(line, comments=True)[2:]


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory):
    """Folder of a short training run."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    words = ("experiment=smoke", "max_steps=20", f"run_dir={folder}", "threads=1")
    assert run_script("train.py", *words, folder=folder.parent) == 0
    return folder


@pytest.mark.parametrize("words", [*readme_commands()], ids=" ".join)
def test_the_keys_of_a_training_of_the_readme_exist(words):
    """The options of all other commands are tested beside the command."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        compose("train", words)


# sample.py


def test_conformers_of_smiles_have_their_stereo_and_their_provenance(run, tmp_path):
    smiles = ["C[C@H](O)C(N)=O", "CC=O", "C/C=C\\Cl"]
    weights = ["qm9", "qm9", GENERAL_WEIGHTS]
    run(
        "sample.py",
        *smiles,
        "num_conformers=3",
        "threads=1",
        "seed=5",
        "output=deep/out.sdf",
    )
    records = list(Chem.SDMolSupplier(str(tmp_path / "deep" / "out.sdf"), removeHs=False))
    assert statuses(tmp_path / "deep" / "status.csv") == ["ok"] * 3
    assert len(records) == 9
    for index, record in enumerate(records):
        Chem.AssignStereochemistryFrom3D(record)
        asked = Chem.CanonSmiles(smiles[index // 3])
        assert Chem.MolToSmiles(Chem.RemoveHs(record)) == asked
        properties = record.GetPropsAsDict()
        assert properties["SMILES"] == smiles[index // 3]
        expected = (weights[index // 3], 5, index % 3)
        assert (properties["weights"], properties["seed"], properties["conformer"]) == expected
        assert {"solver", "num_steps", "grid"} <= set(properties)


def test_the_script_gives_what_the_python_call_gives(run, tmp_path):
    """Same weights, same seed, all else by default: one set of defaults, not two."""
    run("sample.py", "CCO", "num_conformers=2", "seed=3", "threads=1", "output=out.sdf")
    records = Chem.SDMolSupplier(str(tmp_path / "out.sdf"), removeHs=False)
    result = ConformerGenerator.from_pretrained("qm9", device="cpu").generate("CCO", num_conformers=2, seed=3)
    written = np.stack([record.GetConformer().GetPositions() for record in records])
    np.testing.assert_allclose(written, result.ensemble.coordinates, atol=2e-3)


def test_files_of_molecules_go_in_and_bad_ones_do_not_stop_the_rest(tmp_path):
    (tmp_path / "a.smi").write_text("CCO ethanol\nnot_a_molecule\n")
    (tmp_path / "b.csv").write_text("id,Smiles\n1,CC#N\n2,[Na+].[Cl-]\n")
    words = ("a.smi", "b.csv", DEMO, "C=O", *QUICK, "output=out.xyz", "energies=mmff")
    ended = subprocess.run(  # in a process of its own, as a user starts it
        command("sample.py", *words),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        env=ENVIRONMENT,
    )
    assert ended.returncode == 0, ended.stderr
    found = statuses(tmp_path / "status.csv")
    assert len(found) == 2 + 2 + 20 + 1
    assert [found[index] for index in (0, 1, 2, 3, -1)] == ["ok", "failed", "ok", "failed", "ok"]
    assert "not_a_molecule" in ended.stderr
    assert (tmp_path / "out.xyz").read_text().count("Properties=species") == int(ended.stdout.split()[0])


def test_no_conformer_at_all_is_a_failure(run, tmp_path):
    ended = run("sample.py", "Cl[Fe]Cl", *QUICK, code=1)
    assert "not Fe" in ended.stderr
    assert statuses(tmp_path / "status.csv") == ["failed"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no molecule given"),
        (["missing.smi"], "missing.smi"),
        (["CCO", "weights=missing"], "missing"),
        (["CCO", "weights=tampered.safetensors"], "tampered.safetensors"),
        (["CCO", "output=out.mol2"], ".sdf, .sdf.gz, .xyz"),
        (["CCO", "output=a_file/out.sdf"], "a_file"),
        (["given.sdf", "output=given.sdf"], "would be overwritten"),
        (["CCO", "num_conformers=0"], "num_conformers"),
        (["CCO", "solver=heun", "eta=0.5"], "eta"),
        (["CCO", "num_confomers=5"], "did you mean 'num_conformers'?"),
    ],
)
def test_a_users_mistake_is_one_line_and_leaves_nothing_behind(run, tmp_path, words, message):
    (tmp_path / "a_file").write_text("")
    shutil.copy(DEMO, tmp_path / "given.sdf")
    weights = bytearray((Path(molediff.__file__).parent / "weights" / "qm9.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "tampered.safetensors").write_bytes(weights)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code = BAD_WEIGHTS if any(word.startswith("weights=") for word in words) else WRONG_ARGUMENTS
    ended = run("sample.py", *words, code=code)
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert message in ended.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    "name", ["a#b=c.sdf", "two words [1] {2}, (3).sdf", "-x.sdf", "it's é.sdf", "1.5/7.sdf"]
)
def test_an_output_may_be_called_anything(run, tmp_path, name):
    ended = run("sample.py", "C", *QUICK, f"output={name}")
    assert f"2 conformers in {name};" in ended.stdout
    assert len(Chem.SDMolSupplier(str(tmp_path / name))) == 2


def test_an_input_may_begin_with_a_dash(run, tmp_path):
    (tmp_path / "-m.smi").write_text("C methane\n")
    assert "2 conformers" in run("sample.py", "-m.smi", *QUICK).stdout


def test_the_film_of_a_molecule_says_where_it_is(run, tmp_path):
    ended = run("freeze.py", "CC", "num_steps=5", "output=a.b/c.d")
    assert ended.stdout == "a.b/c.d.png and a.b/c.d.gif\n"
    assert {path.name for path in (tmp_path / "a.b").iterdir()} == {"c.d.png", "c.d.gif"}


@pytest.mark.parametrize(
    ("script", "words", "names"),
    [
        ("freeze.py", ("CC", "num_steps=5", "output=old"), ("old.png", "old.gif")),
        ("sample.py", ("sample=images", "num_images=2", "num_steps=2", "output=old.png"), ("old.png",)),
    ],
)
def test_a_full_disk_spoils_no_picture_that_is_there(run, tmp_path, monkeypatch, script, words, names):
    for name in names:
        (tmp_path / name).write_text("a good picture")

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    class FullFile(io.FileIO):
        write = full

    real = os.fdopen
    monkeypatch.setattr(
        os,
        "fdopen",
        lambda fd, mode, **options: FullFile(fd, "w") if "b" in mode else real(fd, mode, **options),
    )
    ended = run(script, *words, code=FAILED)
    assert "No space left on device" in ended.stderr
    assert names[0] in ended.stderr
    assert [(tmp_path / name).read_text() for name in names] == ["a good picture"] * len(names)
    assert len(list(tmp_path.iterdir())) == len(names)


def test_a_killed_run_leaves_nothing_behind(tmp_path):
    (tmp_path / "many.smi").write_text("CCCCO\n" * 10_000)
    with subprocess.Popen(
        command("sample.py", "many.smi", *QUICK, "output=out/out.sdf"), cwd=tmp_path
    ) as process:
        while not any((tmp_path / "out").glob(".out.sdf.*")):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert list((tmp_path / "out").iterdir()) == []


# train.py, evaluate.py, benchmark.py

SMALL = [
    f"network.{key}"
    for key in ("channels", "vector_channels", "pair_channels", "num_trunk_blocks", "num_blocks")
]  # of the smoke test: without these words the network is that of the shipped weights


def test_weights_of_a_training_run_can_be_sampled(smoke_run, tmp_path, capfd):
    """After so few steps the samples may all be rejected, but each is drawn and examined."""
    words = (*QUICK, "max_attempts=1", f"weights={smoke_run / 'weights.safetensors'}")
    code = run_script("sample.py", "CCO", *words, folder=tmp_path)
    with (tmp_path / "status.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    rejected = [int(part.split(": ")[1]) for part in row["num_rejected"].split("; ") if part]
    made = int(row["num_conformers"])
    assert code == (0 if made else 1)
    assert made + sum(rejected) == 2, capfd.readouterr().err


def test_a_run_that_goes_on_from_weights_keeps_what_they_knew(run, tmp_path):
    shipped = ConformerGenerator.from_pretrained("qm9")
    words = ("warm_start=qm9", "max_steps=1", "data.batch_size=2", "trainer.sample_minutes=0", "threads=1")
    run("train.py", "experiment=smoke", *(f"~{key}" for key in SMALL), *words)
    weights, metadata = load_weights(tmp_path / "outputs" / "smoke" / "weights.safetensors")
    assert metadata["config"]["scale"] == shipped.model.scale
    assert (
        metadata["max_atoms"] == shipped.metadata["max_atoms"]
    )  # more than in the few small molecules of this run
    assert metadata["begun_with"]["sha256"] == shipped.metadata["sha256"]
    assert weights.keys() == shipped.model.state_dict().keys()


def test_a_report_is_written(run, tmp_path):
    words = (f"references={DEMO}", "num_molecules=3", "max_plausibility=1", "viewer=false", "output=report")
    ended = run("evaluate.py", *words, *QUICK)
    assert "molediff" in ended.stdout
    assert "ETKDGv3" in ended.stdout
    json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert "</html>" in (tmp_path / "report" / "report.html").read_text()


def test_speed_is_measured(run, smoke_run, tmp_path):
    settings = {
        "weights": smoke_run / "weights.safetensors",
        "references": DEMO,
        "training.overrides": "['experiment=smoke']",
        "training.seconds": 0.5,
        "training.threads": 1,
        "sampling.num_molecules": 2,
        "sampling.num_conformers": 2,
        "sampling.num_steps": "[2,4]",
        "memory.num_inputs": "[2,4]",
    }
    words = [f"benchmark.{key}={value}" for key, value in settings.items()]
    run("benchmark.py", "benchmark=speed", *words, "output=speed.json")
    figures = json.loads((tmp_path / "speed.json").read_text())["figures"]
    assert figures["training"]["molecules_per_second"] > 0
    assert 0 < figures["training"]["share_of_matrix_products"] < 1
    assert [row["method"] for row in figures["sampling"]["methods"]] == ["ETKDGv3", "2 steps", "4 steps"]
    assert set(figures["memory"]["peak_megabytes"]) == {"2", "4"}
