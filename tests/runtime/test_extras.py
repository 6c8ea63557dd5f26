"""What needs an extra that is not installed says so in one line."""

import os
import subprocess
import sys

import pytest
from places import ROOT

from molediff.runtime.extras import EXTRA_OF, explain, require


def test_what_is_installed_passes_unimported():
    require("plotly", "A viewer")
    with pytest.raises(ModuleNotFoundError, match=r"^A viewer needs no_such_thing, which is not installed"):
        require("no_such_thing", "A viewer")


def test_only_missing_extras_are_explained():
    missing = ModuleNotFoundError("No module named 'matplotlib.figure'", name="matplotlib.figure")
    assert (
        explain(missing) == "This needs matplotlib, which is not installed: pip install 'molediff[report]'."
    )
    assert explain(ModuleNotFoundError("No module named 'rdkit'", name="rdkit")) is None
    assert explain(ValueError("matplotlib")) is None


def test_every_extra_that_is_named_exists():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(EXTRA_OF.values()) <= set(extras)


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({missing!r}))
sys.argv[0] = "train.py"
import molediff.commands.interrupt
{code}
"""


@pytest.mark.parametrize(
    ("package", "code", "message"),
    [
        ("pytorch_lightning", "import molediff.training", "Training needs pytorch_lightning"),
        ("pytorch_lightning", "from molediff.training import train", "Training needs pytorch_lightning"),
        ("matplotlib", "import molediff.evaluation.report.html", "A report needs matplotlib"),
        ("plotly", "import plotly.graph_objects", "This needs plotly"),
    ],
)
def test_a_missing_extra_is_one_line(package, code, message):
    code = WITHOUT.format(missing=[package], code=code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    install = f"which is not installed: pip install 'molediff[{EXTRA_OF[package]}]'."
    assert (done.returncode, done.stderr) == (1, f"train.py: {message}, {install}\n")


def test_sampling_works_without_any_extra():
    """Also on an installation that has none of them: nothing on the way asks for one."""
    code = """
from molediff import ConformerGenerator, ImageGenerator, ParticleGenerator
assert ConformerGenerator.from_pretrained("qm9").generate("CCO", 1).status == "ok"
assert len(ImageGenerator.from_pretrained("digits").generate(1)) == 1
assert len(ParticleGenerator.from_pretrained("dw4").generate(1)) == 1
"""
    code = WITHOUT.format(missing=list(EXTRA_OF), code=code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
