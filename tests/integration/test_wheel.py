"""What is published is whole: the wheel alone, without the repository in reach, samples and trains."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from places import CONFIGS, PACKAGE, ROOT
from rdkit import Chem

pytestmark = [pytest.mark.wheel, pytest.mark.slow]

OF_THE_BUILD = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
MEGABYTES = 60
NO_CACHES = shutil.ignore_patterns("__pycache__")


def run(*words, folder, timeout=240):
    """Run words in a folder as a user who has only what is installed."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    return subprocess.run(
        [*map(str, words)],
        cwd=folder,
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: building leaves files behind."""
    pytest.importorskip("build")
    source = tmp_path_factory.mktemp("source")
    for name in OF_THE_BUILD:
        shutil.copy(ROOT / name, source)
    for folder in (PACKAGE, CONFIGS):
        shutil.copytree(folder, source / folder.name, ignore=NO_CACHES)
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", "dist", ".", folder=source)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = (source / "dist").glob("*.whl")
    return file


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory):
    """Folder of `molediff` and `python` of an environment with the wheel, and with what it depends on."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    # What it depends on is seen there without what this environment makes of a repository (its .pth files).
    ours = Path(sysconfig.get_path("purelib"))
    theirs = home / ours.relative_to(sys.prefix)
    (theirs / "dependencies.pth").write_text(f"{ours}\n")
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel)
    installed = run(sys.executable, "-m", "pip", "--python", python, *install, folder=home)
    assert installed.returncode == 0, installed.stderr
    return home / "bin"


def test_the_wheel_holds_all_weights_all_configs_and_its_types(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = {*file.namelist()}
    assert wheel.stat().st_size < MEGABYTES * 1e6
    configs = {f"molediff/configs/{path.relative_to(CONFIGS)}" for path in CONFIGS.rglob("*.yaml")}
    data = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file()}
    data = {name for name in data if not name.endswith((".py", ".pyc"))}
    assert "molediff/py.typed" in data
    assert configs | data <= names, (configs | data) - names
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "configs/", "data/"))]


def test_the_first_command_of_the_readme_works_from_the_wheel(programs, tmp_path):
    where = run(
        programs / "python", "-c", "import molediff; print(molediff.__file__)", folder=tmp_path
    ).stdout
    assert Path(where).is_relative_to(programs.parent)
    words = ("conformers", "C[C@H](O)C(N)=O", "-n", "20", "-o", "out.sdf")
    ended = run(programs / "molediff", *words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(Chem.SDMolSupplier(str(tmp_path / "out.sdf"))) == 20


def test_all_weights_need_no_network(programs, tmp_path):
    listed = json.loads(run(programs / "molediff", "weights", "list", "--json", folder=tmp_path).stdout)
    assert set(listed) == {path.stem for path in (PACKAGE / "weights").glob("*.safetensors")}
    assert all(Path(facts["file"]).is_relative_to(programs.parent) for facts in listed.values())


def test_training_works_from_the_wheel(programs, tmp_path):
    words = ("train", "experiment=smoke", "max_steps=20", "threads=1")
    ended = run(programs / "molediff", *words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    weights = tmp_path / "outputs" / "smoke" / "weights.safetensors"
    assert run(programs / "molediff", "weights", "check", weights, folder=tmp_path).returncode == 0


def test_the_sdist_is_complete(tmp_path):
    """All that is kept in the repository, but for what only its host reads."""
    listed = run("git", "-C", ROOT, "ls-files", folder=tmp_path)
    if listed.returncode:
        pytest.skip("not a clone")
    kept = [name for name in listed.stdout.splitlines() if not name.startswith(".")]
    for name in kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(ROOT / name, tmp_path / name)
    done = run(sys.executable, "setup.py", "-q", "egg_info", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    packed = {*(tmp_path / "molediff.egg-info" / "SOURCES.txt").read_text().splitlines()}
    assert [name for name in kept if name not in packed] == []
