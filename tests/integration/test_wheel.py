"""What is published is whole: the wheel alone, without the repository in reach, samples and trains."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from places import CONFIGS, PACKAGE, ROOT
from rdkit import Chem

from molediff.commands import exits

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
    return environment(wheel, tmp_path_factory.mktemp("environment"), extras=())


@pytest.fixture(scope="module")
def trainers(wheel, tmp_path_factory):
    """The same with the extra `train`."""
    return environment(wheel, tmp_path_factory.mktemp("training"), extras=("train",))


def environment(wheel, home, extras):
    """A new environment of the wheel, the packages that it declares, those of some extras too, and no others."""
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    ours = Path(sysconfig.get_path("purelib"))
    theirs = home / ours.relative_to(sys.prefix)
    packages = home / "packages"
    packages.mkdir()
    for distribution in declared(wheel, extras):
        for name in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not name.endswith(".pth") and not (packages / name).exists():
                (packages / name).symlink_to(distribution.locate_file(name))
    (theirs / "dependencies.pth").write_text(f"{packages}\n")
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel)
    installed = run(sys.executable, "-m", "pip", "--python", python, *install, folder=home)
    assert installed.returncode == 0, installed.stderr
    return home / "bin"


def declared(wheel, extras):
    """Installed distributions that the wheel requires, and those that these require."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        own = message_from_bytes(file.read(name)).get_all("Requires-Dist")
    found, todo = {}, [(text, extras) for text in own]
    while todo:
        text, asked = todo.pop()
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in ("", *asked)):
            continue
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:  # such as CUDA's libraries beside a build of torch for CPUs
            found[key] = None
            continue
        todo += [(more, requirement.extras) for more in found[key].requires or []]
    return [distribution for distribution in found.values() if distribution]


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
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    words = shlex.split(next(line for line in lines if line.startswith("molediff ")), comments=True)[1:]
    ended = run(programs / "molediff", *words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(Chem.SDMolSupplier(str(tmp_path / "out.sdf"))) == 20


def test_all_weights_need_no_network(programs, tmp_path):
    listed = json.loads(run(programs / "molediff", "weights", "list", "--json", folder=tmp_path).stdout)
    assert set(listed) == {path.stem for path in (PACKAGE / "weights").glob("*.safetensors")}
    assert all(Path(facts["file"]).is_relative_to(programs.parent) for facts in listed.values())


def test_training_works_from_the_wheel(trainers, tmp_path):
    words = ("train", "experiment=smoke", "max_steps=20", "threads=1")
    ended = run(trainers / "molediff", *words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    weights = tmp_path / "outputs" / "smoke" / "weights.safetensors"
    assert run(trainers / "molediff", "weights", "check", weights, folder=tmp_path).returncode == 0


def test_training_without_its_extra_says_what_brings_it(programs, tmp_path):
    ended = run(programs / "molediff", "train", "experiment=smoke", folder=tmp_path)
    assert ended.returncode == exits.NOT_INSTALLED
    assert "pip install 'molediff[train]'" in ended.stderr
    assert "Traceback" not in ended.stderr


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
