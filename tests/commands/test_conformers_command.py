"""`molediff conformers` as a chemist at a shell uses and misuses it."""

import csv
import gzip
import inspect
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from at_a_prompt import molediff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from places import DATA, PACKAGE, ROOT
from rdkit import Chem

from molediff import ConformerGenerator
from molediff.commands import exits
from molediff.commands.conformers import Molecules, conformers
from molediff.molecules.files.io import INPUT_SUFFIXES
from molediff.molecules.generation.settings import gather

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
HOSTILE = [
    "C/C=C\\F",
    "N#CC#N",
    "[O-][N+](=O)C",
    "C[C@@H](O)C(=O)N",
    "OC(=O)C(C)(C)C",
    "C1CC1",
    "[2H]C",
    "F/C=C/F",
]


def records(path):
    return list(Chem.SDMolSupplier(str(path), removeHs=False))


def test_the_first_command_of_the_readme(tmp_path):
    ended = molediff("conformers", "C[C@H](O)C(N)=O", "-n", 20, "-o", "out.sdf", folder=tmp_path)
    assert ended.code == exits.OK
    assert ended.line.startswith("out.sdf: 20 conformers of 1 molecule in ")
    assert ended.stdout == ""
    assert len(records(tmp_path / "out.sdf")) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["out.sdf"]


def test_the_command_gives_what_python_gives(tmp_path):
    molediff("conformers", "CCO", "-n", 2, "--seed", 3, "-o", "out.sdf", folder=tmp_path)
    written = np.stack([one.GetConformer().GetPositions() for one in records(tmp_path / "out.sdf")])
    result = ConformerGenerator.from_pretrained("qm9", device="cpu").generate("CCO", num_conformers=2, seed=3)
    np.testing.assert_allclose(written, result.ensemble.coordinates, atol=2e-3)


def test_the_command_has_the_settings_and_defaults_of_python():
    options = {p.name: p.default for p in inspect.signature(conformers).parameters.values()}
    call = inspect.signature(ConformerGenerator.generate_many).parameters
    shared = {"num_conformers", "seed", "preset", "strict", "fixed"}
    assert {name: options[name] for name in shared} == {name: call[name].default for name in shared}
    python = gather({}, {})
    python["workers"] = python.pop("num_workers")
    assert set(python) - set(options) == {"lookahead"}
    assert {name: options[name] for name in python.keys() & options.keys()} == {
        name: python[name] for name in python.keys() & options.keys()
    }
    load = inspect.signature(ConformerGenerator.from_pretrained).parameters
    assert (options["weights"], options["device"]) == (load["weights"].default, load["device"].default)


def test_some_failures_leave_all_else_written_and_a_table_of_reasons(tmp_path):
    ended = molediff("conformers", "CCO", "C[Hg]C", "C1CC", "-n", 1, "-o", "out.sdf", folder=tmp_path)
    assert ended.code == exits.SOME_FAILED
    assert "2 of 3 molecules failed" in ended.stderr
    assert "C[Hg]C: Only H" in ended.stderr
    with (tmp_path / "out.sdf.status.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["ok", "failed", "failed"]
    assert len(records(tmp_path / "out.sdf")) == 1


def test_the_largest_size_is_an_option_that_the_refusal_names(tmp_path):
    words = ("conformers", "CCO", "-n", 1, "-o", "out.sdf", "--max-atoms")
    ended = molediff(*words, 8, folder=tmp_path)
    assert ended.code == exits.NONE_SUCCEEDED
    assert "9 atoms with hydrogens, more than --max-atoms 8" in ended.stderr
    assert molediff(*words, 9, "--overwrite", folder=tmp_path).code == exits.OK


def test_no_success_at_all_writes_no_conformers(tmp_path):
    ended = molediff("conformers", "C[Hg]C", "-o", "out.sdf", folder=tmp_path)
    assert ended.code == exits.NONE_SUCCEEDED
    assert not (tmp_path / "out.sdf").exists()


def test_json_tells_machines_what_people_are_told(tmp_path):
    ended = molediff("conformers", "CCO", "C[Hg]C", "-n", 2, "-o", "out.sdf", "--json", folder=tmp_path)
    found = json.loads(ended.stdout)
    assert found["exit_code"] == ended.code == exits.SOME_FAILED
    assert (found["output"], found["num_conformers"], found["status"]) == ("out.sdf", 2, "out.sdf.status.csv")
    assert found["molecules"] == {"total": 2, "ok": 1, "partial": 0, "failed": 1}
    assert [failure["name"] for failure in found["failures"]] == ["C[Hg]C"]


def test_quiet_prints_nothing_when_all_is_right(tmp_path):
    ended = molediff("conformers", "CCO", "-n", 1, "-q", folder=tmp_path)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "conformers.sdf").exists()


@pytest.mark.parametrize("name", ["a.sdf", "a.sdf.gz", "a.xyz", "a.pdb", "a.npz", "a b.SDF"])
def test_the_name_of_the_output_says_its_kind(tmp_path, name):
    assert molediff("conformers", "CO", "-n", 2, "-o", name, folder=tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["missing.smi"], "missing.smi"),
        (["./CCO"], "there is no file ./CCO"),
        (["empty.smi"], "there is no molecule in empty.smi"),
        (["."], ". is a folder"),
        (["packed.smi.gz"], "packed.smi.gz is not packed by gzip"),
        (["semicolons.csv"], "';' separates them"),
        (["CCO", "-o", ""], "no name of a file"),
        (["CCO", "-o", ".sdf"], "such as out.sdf"),
        (["CCO", "--report", "page.pdf"], "--report FILE.html"),
        (["CCO", "--report", "a.html", "--status", "a.html"], "need a file each"),
        (["CCO", "--shard", "0/3"], "the first is 1"),
        (["CCO", "--shard", "1/3", "--report", "r.html"], "--report is of a whole run"),
        (["CCO", "--engine", "dask"], "--engine is local or ray"),
        (["CCO", "--engine", "ray", "-o", "a.sdf"], "-o FOLDER"),
        (["CCO", "--select", "energy"], "--pool"),
        (
            ["table.csv"],
            "no column 'smiles' (its columns are id, structure): --smiles-column NAME says which",
        ),
        (["CCO", "CC", "-o", "out.pdb"], "a .pdb file holds one molecule"),
        (["two.smi", "-o", "out.pdb.gz", "--shard", "1/2"], "a .pdb file holds one molecule"),
        (["CCO", "-o", "nowhere/out.sdf"], "the folder nowhere does not exist"),
        (["CCO", "-o", "a_file/out.sdf"], "a_file"),
        (["CCO", "-o", "old.sdf"], "old.sdf exists: name another file, or add --overwrite"),
        (["CCO", "-o", "."], "is a folder"),
        (["CCO", "-o", "out.mol2"], "out.mol2"),
        (["CCO", "-o", "/dev/null", "--overwrite"], "/dev/null is a device or a pipe"),
        (["-", "-"], "standard input (-) is named twice"),
        (["CCO", "-o", "out"], ".sdf"),
        (["CCO", "-o=out.sdf"], "leave the = out, as in -o out.sdf"),
        (["given.sdf", "-o", "given.sdf", "--overwrite"], "would be overwritten"),
        (["CCO", "num_conformers=20"], "options are written --num-conformers 20"),
        (["CCO", "++relax=mmff"], "options are written --relax mmff"),
        (["CCO", "--energy-window", "3"], "--energy-window"),
        (["CCO", "--relax", "uff"], "--relax"),
        (["CCO", "--preset", "cristal"], "cristal"),
        (["CCO", "--solver", "heun", "--eta", "0.5"], "eta"),
        (["CCO", "--fixed", "missing.sdf"], "missing.sdf"),
        (["CCO", "--fixed", "flat.mol"], "flat.mol has no coordinates in space"),
        (["CCO", "--timeout", "-1"], "timeout"),
        (["-", "--json", "-o", "-"], "--json needs a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_changes_no_file(tmp_path, words, sentence):
    (tmp_path / "empty.smi").write_text("# nothing\n\n")
    (tmp_path / "table.csv").write_text("id,structure\n1,CCO\n")
    (tmp_path / "two.smi").write_text("CCO\nCC\n")
    (tmp_path / "packed.smi.gz").write_text("CCO\n")
    (tmp_path / "semicolons.csv").write_text("smiles;name\nCCO;ethanol\n")
    (tmp_path / "flat.mol").write_text(Chem.MolToMolBlock(Chem.MolFromSmiles("CO")))
    (tmp_path / "old.sdf").write_text("precious")
    (tmp_path / "a_file").write_text("")
    shutil.copy(DATA / "demo.sdf", tmp_path / "given.sdf")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    ended = molediff("conformers", *words, folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert sentence in ended.line
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_no_gpu_no_package_no_weights_have_codes_of_their_own(tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert molediff("conformers", "C", "--device", "cuda", folder=tmp_path).code == exits.NO_DEVICE
    assert molediff("conformers", "C", "--weights", "nope", folder=tmp_path).code == exits.BAD_WEIGHTS
    assert molediff("conformers", "C", "--weights", "digits", folder=tmp_path).code == exits.BAD_WEIGHTS
    monkeypatch.setitem(sys.modules, "tblite", None)
    ended = molediff("conformers", "C", "--relax", "gfn2", folder=tmp_path)
    assert ended.code == exits.NOT_INSTALLED
    assert "pip install 'molediff[xtb]'" in ended.line
    assert list(tmp_path.iterdir()) == []


def test_overwrite_replaces_what_is_there(tmp_path):
    (tmp_path / "out.sdf").write_text("old")
    ended = molediff("conformers", "C", "-n", 1, "-o", "out.sdf", "--overwrite", folder=tmp_path)
    assert ended.code == 0
    assert len(records(tmp_path / "out.sdf")) == 1


def test_standard_input_may_have_the_marks_of_windows(tmp_path):
    words = ("conformers", "-", "-n", 1, "-o", "out.sdf")
    assert molediff(*words, folder=tmp_path, typed="\ufeffCO methanol\r\n\r\n").code == 0
    assert [one.GetProp("_Name") for one in records(tmp_path / "out.sdf")] == ["methanol"]
    ended = molediff(*words, "--overwrite", folder=tmp_path, typed="\n")
    assert "no molecule in standard input" in ended.line


def test_a_word_that_reads_as_a_smiles_is_one_although_files_are_called_so(tmp_path):
    (tmp_path / "CO").mkdir()
    (tmp_path / "CC").write_text("what is this?")
    assert molediff("conformers", "CO", "CC", "-n", 1, "-o", "out.sdf", folder=tmp_path).code == 0


def test_the_parts_of_all_jobs_are_merged_to_what_one_run_gives(tmp_path):
    words = ["C", "CO", "CC", "CN", "C=O"]
    molediff("conformers", *words, "-n", 1, "-o", "all.sdf", folder=tmp_path)
    assert molediff("conformers", *words, "-n", 1, "-o", "a.sdf", "--shard", "1/2", folder=tmp_path).code == 0
    ended = molediff("merge", "a.sdf", folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert len(ended.stderr.splitlines()) == 1
    second = ("conformers", *words, "-n", 1, "-o", "a.sdf", "--shard", "2/2")
    ended = molediff(*second, folder=tmp_path)
    assert ended.stderr.startswith("a.shard-2-of-2.sdf: 2 conformers of 2 molecules in ")
    ended = molediff(*second, folder=tmp_path)
    assert ended.code == 0
    assert ended.line == (
        "a.shard-2-of-2.sdf was done before, 2 conformers of 2 molecules: --overwrite does it again"
    )
    ended = molediff(*second, "--largest-fragment", folder=tmp_path)
    assert ended.code == exits.WRONG_ARGUMENTS
    assert "--largest-fragment: False, now True" in ended.line
    assert "replace it by --overwrite" in ended.line
    assert molediff("merge", "a.sdf", folder=tmp_path).code == 0
    one_run, merged = records(tmp_path / "all.sdf"), records(tmp_path / "a.sdf")
    for one, other in zip(one_run, merged, strict=True):
        assert one.GetProp("SMILES") == other.GetProp("SMILES")
        a, b = one.GetConformer().GetPositions(), other.GetConformer().GetPositions()
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_a_report_lies_beside_the_conformers(tmp_path):
    ended = molediff(
        "conformers", "CCO", "C[Hg]C", "-n", 2, "-o", "a.sdf", "--report", "a.html", folder=tmp_path
    )
    assert ended.code == exits.SOME_FAILED
    assert "report: a.html" in ended.stderr
    assert "</html>" in (tmp_path / "a.html").read_text()


def test_the_help_names_every_kind_of_file_that_is_read():
    (argument,) = Molecules.__metadata__
    assert set(re.findall(r"\.\w+", argument.help)) == {*INPUT_SUFFIXES, ".gz"}


def test_files_of_every_kind_go_in(tmp_path):
    mol = Chem.AddHs(Chem.MolFromSmiles("CO"))
    (tmp_path / "a.smi").write_text("CO methanol\n")
    (tmp_path / "b.tsv").write_text("name\tSMILES\nmethanol\tCO\n")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"smiles\nCO\n"))
    (tmp_path / "d.mol").write_text(Chem.MolToMolBlock(mol))
    words = ["a.smi", "b.tsv", "c.csv.gz", "d.mol", "InChI=1S/CH4O/c1-2/h2H,1H3"]
    ended = molediff("conformers", *words, "-n", 1, "-o", "out.sdf", folder=tmp_path)
    assert ended.code == 0, ended.stderr
    assert {Chem.MolToSmiles(Chem.RemoveHs(one)) for one in records(tmp_path / "out.sdf")} == {"CO"}
    assert len(records(tmp_path / "out.sdf")) == 5


def test_conformers_of_a_file_are_one_molecule_and_a_header_none(tmp_path):
    molediff("conformers", "CCO", "-n", 3, "-o", "given.sdf", folder=tmp_path)
    (tmp_path / "a.smi").write_text("SMILES NAME\nCO methanol\n")
    ended = molediff("conformers", "given.sdf", "a.smi", "-n", 1, "-o", "out.sdf", folder=tmp_path)
    assert ended.code == 0
    header, records_said, made = ended.stderr.splitlines()
    assert "its first line, 'SMILES NAME', is taken as a header" in header
    assert "3 records that follow each other are conformers of 1 molecule" in records_said
    assert made.startswith("out.sdf: 2 conformers of 2 molecules in ")
    words = ("given.sdf", "a.smi", "-n", 1, "-o", "out.sdf", "--overwrite", "--quiet")
    assert molediff("conformers", *words, folder=tmp_path).stderr == ""


def test_a_file_that_is_cut_short_is_one_failure_and_all_else_is_written(tmp_path):
    block = Chem.MolToMolBlock(Chem.AddHs(Chem.MolFromSmiles("CO")))
    (tmp_path / "a.sdf").write_text(f"{block}$$$$\n{block[:200]}")
    (tmp_path / "b.sdf.gz").write_bytes(gzip.compress((f"{block}$$$$\n" * 100).encode())[:150])
    ended = molediff("conformers", "a.sdf", "b.sdf.gz", "-n", 1, "-o", "out.sdf", folder=tmp_path)
    assert ended.code == exits.SOME_FAILED
    assert ended.stderr.count("The file ends within this record") == 2
    assert len(records(tmp_path / "out.sdf")) >= 1
    (tmp_path / "c.sdf").write_text((DATA / "demo.sdf").read_text()[:5000])
    assert molediff("evaluate", "c.sdf", folder=tmp_path).code == exits.SOME_FAILED


def test_what_cannot_be_relaxed_says_so_once(tmp_path):
    words = ("OB(O)c1ccccc1", "-n", 1, "--relax", "mmff", "--energies", "mmff", "-o", "out.sdf")
    ended = molediff("conformers", *words, folder=tmp_path)
    assert ended.code == 0
    assert "1 of 1 molecule with conformers, but not all that was asked for" in ended.stderr
    assert ended.stderr.count("MMFF94s has no parameters") == 1
    assert "the conformers are not relaxed, nor given energies" in ended.stderr


def test_the_time_to_start_is_no_time_of_a_molecule(tmp_path):
    ended = molediff("conformers", "CCO", "-n", 1, "-o", "out.sdf", "--json", folder=tmp_path)
    found = json.loads(ended.stdout)
    assert 0 < found["seconds_to_start"] < found["seconds"]
    ended = molediff("conformers", "CCO", "-n", 1, "-o", "out2.sdf", folder=tmp_path)
    assert re.search(r"in \d+\.\d s, and \d+\.\d s to start$", ended.line)


def test_standard_input_to_standard_output(tmp_path):
    """Through a real pipe: records alone on standard output, words alone on standard error."""
    command = f"printf 'CO methanol\\nC\\n' | {sys.executable} -m molediff conformers - -n 1 -o - > out.sdf"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert [one.GetProp("_Name") for one in records(tmp_path / "out.sdf")] == ["methanol", "C"]
    assert done.stderr.startswith("2 conformers of 2 molecules in ")


@pytest.mark.parametrize(
    ("how", "code", "num_workers"),
    [
        (signal.SIGINT, exits.INTERRUPTED, 1),
        (signal.SIGTERM, exits.TERMINATED, 1),
        (signal.SIGTERM, exits.TERMINATED, 2),
    ],
)
def test_ctrl_c_keeps_whole_records_under_a_name_that_says_so(tmp_path, how, code, num_workers):
    """So does a request to end, and it stops nobody halfway who works for us; what was there before stays."""
    (tmp_path / "many.smi").write_text("CCO\n" * 100_000)
    (tmp_path / "out.sdf").write_text("of an earlier run")
    words = [sys.executable, "-m", "molediff", "conformers", "many.smi", "-n", "1", "-o", "out.sdf"]
    words += ["--overwrite", "--workers", str(num_workers)]
    with subprocess.Popen(
        words, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not any(
            path.stat().st_size > 1000 for path in tmp_path.glob(".out.sdf.????????")
        ):  # not its table
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        os.killpg(process.pid, how)  # as the shell and `timeout` do
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    found = records(tmp_path / "out.partial.sdf")
    assert None not in found
    assert f"interrupted; out.partial.sdf: {len(found):,} conformers of {len(found):,} molecules in " in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "many.smi",
        "out.partial.sdf",
        "out.partial.sdf.status.csv",
        "out.sdf",
    ]
    assert (tmp_path / "out.sdf").read_text() == "of an earlier run"


def test_ctrl_c_in_a_pipe_ends_behind_a_whole_record_and_says_how_many(tmp_path, monkeypatch):
    drawn = ConformerGenerator.from_pretrained("qm9", device="cpu")

    class Struck:
        def generate_many(self, molecules, **options):
            yield from itertools.islice(drawn.generate_many(molecules, 1), 2)
            raise KeyboardInterrupt

    monkeypatch.setattr(ConformerGenerator, "from_pretrained", lambda *_, **__: Struck())
    ended = molediff("conformers", "C", "CO", "CC", "-n", 1, "-o", "-", folder=tmp_path)
    assert ended.code == exits.INTERRUPTED
    assert ended.stdout.count("$$$$") == 2
    assert ended.line.startswith("interrupted; 2 conformers of 2 molecules in ")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3, unique=True))
def test_smiles_go_through_a_quoting_shell_as_they_are(tmp_path, words):
    """What the shell hands on for a quoted SMILES is the SMILES; and that is what is drawn."""
    assert shlex.split(" ".join(map(shlex.quote, words))) == words
    ended = molediff(
        "conformers", *words, "-n", 1, "-o", "out.sdf", "--overwrite", "--max-attempts", 20, folder=tmp_path
    )
    assert ended.code == 0, ended.stderr
    assert [one.GetProp("SMILES") for one in records(tmp_path / "out.sdf")] == words


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(st.sampled_from("CNO=#[]()@/\\.+-$*~?!&|<>;\"' %1{}aé\t"), min_size=1, max_size=12))
def test_whatever_is_typed_ends_with_a_code_that_is_documented(tmp_path, word):
    ended = molediff("conformers", "-n", 1, "--overwrite", "--max-attempts", 1, "--", word, folder=tmp_path)
    assert ended.code in exits.MEANINGS
    assert ended.code != exits.FAILED, ended.stderr
    assert "Traceback" not in ended.stderr


def test_weights_are_all_shipped():
    assert {path.stem for path in (PACKAGE / "weights").glob("qm9*.safetensors")} >= {
        "qm9",
        "qm9_distilled",
        "qm9_fast",
        "qm9_b3lyp",
    }
