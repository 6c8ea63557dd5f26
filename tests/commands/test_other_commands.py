"""Particles, images, films, evaluations, benchmarks, ensembles and training, each in its quickest form."""

import json
import shutil

import numpy as np
import pytest
from at_a_prompt import molediff
from places import CONFIGS, DATA
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molediff.commands import exits
from molediff.commands.settings import configured, parsed


def test_particles_are_written_with_their_densities(tmp_path):
    words = ("particles", "--weights", "dw4", "-n", 2, "--num-nodes", 2, "--num-steps", 1, "--density")
    ended = molediff(*words, "-o", "a.npz", folder=tmp_path)
    assert ended.code == 0, ended.stderr
    assert np.load(tmp_path / "a.npz")["log_weight"].shape == (2,)


def test_new_molecules_are_written_with_and_without_shapes(tmp_path):
    ended = molediff(
        "molecules", "-n", 3, "--only-valid", "--seed", 1, "-o", "new.sdf", "--json", folder=tmp_path
    )
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout)["molecules"] == {"total": 3, "ok": 3, "failed": 0}
    with_shapes = [*Chem.SDMolSupplier(str(tmp_path / "new.sdf"), removeHs=False)]
    assert [mol.GetProp("_Name") for mol in with_shapes] == ["new_0", "new_1", "new_2"]
    assert all(mol.GetConformer().Is3D() for mol in with_shapes)
    molediff("molecules", "-n", 3, "--composition", "C4H8O", "-o", "new.smi", folder=tmp_path)
    formulas = [
        rdMolDescriptors.CalcMolFormula(Chem.MolFromSmiles(line.split()[0]))
        for line in (tmp_path / "new.smi").read_text().splitlines()
    ]
    assert set(formulas) == {"C4H8O"}


def test_images_are_written_as_picture_and_numbers(tmp_path):
    words = ("images", "-n", 2, "--label", 7, "--num-steps", 2, "--array", "a.npz")
    assert molediff(*words, folder=tmp_path).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"images.png", "a.npz"}
    assert np.load(tmp_path / "a.npz")["labels"].tolist() == [7, 7]


def test_a_film_is_a_film_and_a_strip(tmp_path):
    ended = molediff("film", "CC", "-o", "ethane.gif", "--num-steps", 8, "--seed", 1, folder=tmp_path)
    assert ended.code == 0, ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"ethane.gif", "ethane.png"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["film", "not a molecule"], exits.NONE_SUCCEEDED, "no conformer of"),
        (
            ["film", "Brc1ccccc1"],
            exits.NONE_SUCCEEDED,
            "only molecules of H, C, N, O and F can be filmed, not Br",
        ),
        (["film", "C" * 30], exits.NONE_SUCCEEDED, "give a part of it (--max-atoms can be raised"),
        (["film", "CCO", "--max-atoms", "8"], exits.NONE_SUCCEEDED, "more than --max-atoms 8"),
        (["film", "CC", "--weights", "drugs"], exits.WRONG_ARGUMENTS, "weights that begin with noise"),
        (["film", "CC", "-o", "nowhere/x"], exits.WRONG_ARGUMENTS, "nowhere"),
        (["images", "--label", "eleven"], exits.WRONG_ARGUMENTS, "eleven"),
        (["images", "-o", "a.jpg"], exits.WRONG_ARGUMENTS, ".png"),
        (["images", "--solver", "hein"], exits.WRONG_ARGUMENTS, "heun"),
        (["images", "--weights", "qm9"], exits.BAD_WEIGHTS, "conformers"),
        (["particles", "--weights", "digits"], exits.BAD_WEIGHTS, "images"),
        (["particles", "-o", "old.npz"], exits.WRONG_ARGUMENTS, "old.npz exists"),
        (
            ["particles", "--film", "a.mp4", "-n", "10000000"],
            exits.WRONG_ARGUMENTS,
            "must end in .gif; got a.mp4",
        ),
        (["particles", "-o", "a.npz", "--film", "./a.npz"], exits.WRONG_ARGUMENTS, "named for two outputs"),
        (["evaluate"], exits.WRONG_ARGUMENTS, "name files of molecules, or --weights NAME"),
        (
            ["evaluate", "--weights", "drugs_torsions"],
            exits.WRONG_ARGUMENTS,
            "no measurement of weights of torsions",
        ),
        (
            ["molecules", "--composition", "C3H10"],
            exits.WRONG_ARGUMENTS,
            "8 hydrogens at most, and only even",
        ),
        (["molecules", "--composition", "C2H2F4"], exits.WRONG_ARGUMENTS, "none like it"),
        (["molecules", "-n", "2", "-o", "new.pdb"], exits.WRONG_ARGUMENTS, "holds one molecule"),
        (["molecules", "--properties", "gap"], exits.WRONG_ARGUMENTS, "NAME=VALUE"),
        (["molecules", "--properties", "gap=0.2"], exits.WRONG_ARGUMENTS, "know no properties"),
        (["molecules", "--guidance", "1"], exits.WRONG_ARGUMENTS, "presses for properties"),
        (["molecules", "--scaffold", "C1CC1", "--attachments", "7"], exits.WRONG_ARGUMENTS, "cannot be an"),
        (["molecules", "--weights", "qm9_b3lyp"], exits.BAD_WEIGHTS, "conformers"),
        (["evaluate", "x.smi", "--no-viewer"], exits.WRONG_ARGUMENTS, "--no-viewer goes with --weights"),
        (["evaluate", "x.smi", "--seed", "3"], exits.WRONG_ARGUMENTS, "--seed goes with --weights"),
        (["benchmark", "speed", "--set", "training=3"], exits.WRONG_ARGUMENTS, "training.seconds"),
        (["weights", "info", "."], exits.BAD_WEIGHTS, "no weights file ."),
        (["evaluate", "missing.sdf"], exits.WRONG_ARGUMENTS, "missing.sdf"),
        (["evaluate", "--weights", "qm9", "--solver", "hein"], exits.WRONG_ARGUMENTS, "did you mean 'heun'?"),
        (
            ["evaluate", "--weights", "qm9", "--set", "num_molecule=3"],
            exits.WRONG_ARGUMENTS,
            "did you mean 'num_molecules'?",
        ),
        (
            ["evaluate", "--weights", "dw4", "--references", "x.sdf"],
            exits.WRONG_ARGUMENTS,
            "no setting 'references'",
        ),
        (["benchmark", "sped"], exits.WRONG_ARGUMENTS, "did you mean 'speed'?"),
        (["benchmark", "speed", "--set", "seed"], exits.WRONG_ARGUMENTS, "KEY=VALUE"),
        (["ensembles", "CCO", "--method", "dft"], exits.WRONG_ARGUMENTS, "--method"),
        (["ensembles", "CCO", "-o", "out.xyz"], exits.WRONG_ARGUMENTS, ".sdf"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_its_code_says_of_which_kind(tmp_path, words, code, sentence):
    (tmp_path / "old.npz").write_text("precious")
    ended = molediff(*words, folder=tmp_path)
    assert ended.code == code, ended.stderr
    assert sentence in ended.stderr.splitlines()[-1]
    assert len(ended.stderr.splitlines()) == 1
    assert (tmp_path / "old.npz").read_text() == "precious"


def test_weights_are_measured_by_the_config_of_their_kind(tmp_path):
    shutil.copy(DATA / "demo.sdf", tmp_path)
    words = ("--references", "demo.sdf", "--num-molecules", 2, "-n", 2, "--no-viewer", "-o", "report")
    more = ("--set", "max_plausibility=0", "--set", "progress=false")
    ended = molediff("evaluate", "--weights", "qm9", *words, *more, folder=tmp_path)
    assert ended.code == 0, ended.stderr
    assert "ETKDGv3" in ended.stdout
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())


def test_a_file_of_molecules_is_reported_on(tmp_path):
    ended = molediff("evaluate", DATA / "demo.sdf", "-o", "report.html", folder=tmp_path)
    assert ended.code == 0, ended.stderr
    assert "20 molecules" in ended.stderr
    assert "</html>" in (tmp_path / "report.html").read_text()


def test_benchmarks_are_listed_and_write_their_figures(tmp_path):
    listed = molediff("benchmark", folder=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in listed] == sorted(
        path.stem for path in (CONFIGS / "benchmark").glob("*.yaml")
    )
    skip = ("training.seconds=0", "sampling.num_molecules=0", "memory.num_inputs=[]")
    words = [word for setting in skip for word in ("--set", setting)]
    ended = molediff("benchmark", "speed", *words, "-o", "speed.json", folder=tmp_path)
    assert ended.code == 0, ended.stderr
    found = json.loads((tmp_path / "speed.json").read_text())
    assert found["protocol"]["training"]["seconds"] == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ("qm9", "qm9"),
        ("[1, 2]", [1, 2]),
        ("a b = c: d", "a b = c: d"),
        ("C:\\x", "C:\\x"),
        ("", None),
    ],
)
def test_a_setting_is_what_it_looks_like(text, value):
    assert parsed([f"key={text}"]) == {"key": value}


def test_a_setting_replaces_that_of_the_config():
    config = configured("benchmark", {"benchmark": "speed"}, {"sampling.num_steps": [2]}, under="benchmark")
    assert list(config.benchmark.sampling.num_steps) == [2]


def test_ensembles_of_a_molecule_without_freedom(tmp_path):
    pytest.importorskip("tblite")
    words = (
        "--workers",
        1,
        "--set",
        "recipe.num_seeds=2",
        "--set",
        "recipe.max_seeds=2",
        "--set",
        "recipe.num_direct=0",
    )
    ended = molediff("ensembles", "C", *words, "--set", "progress=false", "-o", "a.sdf", folder=tmp_path)
    assert ended.code == 0, ended.stderr
    assert "1 conformer of 1 molecule" in ended.stdout


def test_training_takes_the_words_of_hydra_and_shows_its_keys(tmp_path):
    ended = molediff("train", "--help", "experiment=smoke", folder=tmp_path)
    assert ended.code == 0
    assert "molediff train [key=value ...]" in ended.stdout
    assert "max_minutes: 1" in ended.stdout
    ended = molediff("train", "max_minuts=3", folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert ended.line.startswith("molediff train: error: ")
    assert "did you mean 'max_minutes'?" in ended.line


def test_training_without_its_extra_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("molediff.runtime.extras.find_spec", lambda _: None)
    ended = molediff("train", "experiment=smoke", folder=tmp_path)
    assert ended.code == exits.NOT_INSTALLED
    assert "pip install 'molediff[train]'" in ended.line


def test_an_unknown_command_of_a_group_names_the_others(tmp_path):
    ended = molediff("weights", "show", "qm9", folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert "there are molediff weights list, molediff weights info, molediff weights check" in ended.stderr


def test_the_name_of_weights_alone_shows_their_card(tmp_path):
    card, info = (
        molediff("weights", "qm9", folder=tmp_path),
        molediff("weights", "info", "qm9", folder=tmp_path),
    )
    assert (card.code, card.stdout) == (0, info.stdout)
    assert card.stdout.startswith("qm9: ")
    assert json.loads(molediff("weights", "qm9", "--json", folder=tmp_path).stdout)["kind"] == "conformers"


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("drgs", exits.BAD_WEIGHTS, "did you mean 'drugs'?"),
        ("lst", exits.WRONG_ARGUMENTS, "Did you mean 'list'?"),
    ],
)
def test_a_misspelt_name_of_weights_or_of_a_command_gets_the_nearest(tmp_path, word, code, said):
    ended = molediff("weights", word, folder=tmp_path)
    assert ended.code == code
    assert said in ended.line


def test_weights_that_do_not_exist_are_answered_with_those_of_the_kind(tmp_path):
    ended = molediff("molecules", "--weights", "nope", folder=tmp_path)
    assert ended.code == exits.BAD_WEIGHTS
    assert "(moses_graphs, qm9_graphs, qm9_graphs_properties)" in ended.stderr
