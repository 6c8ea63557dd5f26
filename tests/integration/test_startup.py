"""The first sample of a fresh process waits for nothing that it does not need."""

import subprocess
import sys

import pytest

from molediff.evaluation.conformers.benchmark.startup import PROGRAMS

SLOW = {
    "ase", "e3nn", "hydra", "matplotlib", "omegaconf", "ot", "pandas", "PIL", "plotly", "posebusters",
    "pytorch_lightning", "scipy", "sklearn", "sympy", "tblite", "tensorboard", "torch._dynamo", "torch._inductor",
    "torch_geometric", "torchdiffeq",
}  # fmt: skip


@pytest.mark.parametrize("name", ["conformers", "images", "particles"])
def test_the_first_sample_loads_no_slow_package(name):
    code = "\n".join([*PROGRAMS[name], "import sys", f"print(*sorted({SLOW!r} & set(sys.modules)))"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
