"""Examples do what they say: those of docstrings, and the Python blocks of the README."""

import doctest
import importlib
import re

import pytest
from places import PACKAGE, ROOT

# Found in the text, so that collecting the tests imports none of them.
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0  # doctest has printed what differs


def test_no_example_is_skipped():
    assert not [path.name for path in PACKAGE.rglob("*.py") if "doctest: +SKIP" in path.read_text("utf-8")]


def run(block: str) -> dict[str, object]:
    """Run a block with numbers of samples that take no time, and give its names."""
    names: dict[str, object] = {}
    few = re.sub(r"num_molecules=\d+", "num_molecules=2", block)
    exec(re.sub(r"(num_samples|num_images)=\d+", r"\1=4", few).replace("x[:4]", "x[:1]"), names)
    return names


def test_conformers_of_the_readme(capsys):
    names = run(next(block for block in BLOCKS if "ConformerGenerator" in block))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["CCO", "ok"], ["not", "a"], ["C1CC1", "ok"]]
    assert "failed" in lines[1]
    assert names["result"].num_conformers == 10


def test_drug_like_molecules_of_the_readme():
    result = run(next(block for block in BLOCKS if "drugs" in block))["result"]
    assert result.status == "ok"
    assert result.mol.GetNumConformers() == 20


def test_particles_and_images_of_the_readme():
    names = run(next(block for block in BLOCKS if "ParticleGenerator" in block))
    assert names["x"].shape == (4, 13, 3)


def test_files_and_report_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(next(block for block in BLOCKS if "molediff.write" in block))["result"]
    assert result.status == "ok"
    assert (tmp_path / "out.sdf").read_text().count("$$$$") == result.num_conformers


def test_new_molecules_of_the_readme(capsys):
    run(next(block for block in BLOCKS if "MoleculeGenerator" in block))
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["1", "1"]


def test_every_block_of_the_readme_is_run():
    assert len(BLOCKS) == 5
