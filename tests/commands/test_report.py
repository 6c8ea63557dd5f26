"""A page on molecules of one's own, from the prompt: beside what is drawn, and of a file."""

import os
import subprocess
import sys

import pytest
from fake_generators import embedded
from places import ROOT

import molediff


def run(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "molediff", *words],
        cwd=folder, capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip


def test_a_file_of_molecules_gets_its_page(tmp_path):
    molediff.write([embedded("CCO"), embedded("CC=O")], tmp_path / "mine.sdf", names=["one", "two"])
    done = run(tmp_path, "evaluate", "mine.sdf")
    assert done.returncode == 0, done.stderr
    said = "report.html: 2 conformers of 2 molecules, 0 not to be used as they are, 0 with warnings\n"
    assert said in done.stderr
    assert "Conformers of mine.sdf" in (tmp_path / "report.html").read_text()
    again = run(tmp_path, "evaluate", "mine.sdf")
    assert again.returncode == 2
    assert "report.html exists" in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "mine.sdf", "--seed", "3"], "--seed goes with --weights"),
        (["evaluate", "mine.sdf", "-o", "folder"], "the report is a page, FILE.html"),
        (["evaluate", "empty.sdf"], "no molecule to report on"),
        (["evaluate", "gone.sdf"], "gone.sdf"),
    ],
)
def test_what_goes_wrong_is_one_line_and_no_page(tmp_path, words, message):
    (tmp_path / "mine.sdf").write_text("")
    (tmp_path / "empty.sdf").write_text("")
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.html"))


def test_the_page_stands_beside_what_is_drawn(tmp_path):
    done = run(tmp_path, "conformers", "CCO", "nonsense", "-n", "2", "-o", "out.sdf", "--report", "out.html")
    assert done.returncode == 6, done.stderr
    page = (tmp_path / "out.html").read_text()
    assert "Conformers in out.sdf" in page
    assert page.count('class="molecule"') == 2
    assert "failed" in page
