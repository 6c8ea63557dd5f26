"""Progress bars in a notebook without widgets: text, and no complaint."""

import subprocess
import sys

import pytest
from places import ROOT

_NOTEBOOK = """
import sys, types, warnings
shell = types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
sys.modules["ipykernel.zmqshell"] = types.ModuleType("ipykernel.zmqshell")
sys.modules["ipywidgets"] = sys.modules["IPython.html.widgets"] = None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from %s import tqdm
print([str(one.message) for one in caught if "IProgress" in str(one.message)])
print(list(tqdm(range(3))))
"""


@pytest.mark.parametrize(("module", "complains"), [("molediff.runtime.progress", False), ("tqdm.auto", True)])
def test_bars_without_widgets_are_text_and_no_warning(module, complains):
    words = [sys.executable, "-c", _NOTEBOOK % module]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    said, counted = done.stdout.splitlines()
    assert (said != "[]") == complains
    assert counted == "[0, 1, 2]"
    assert "3/3" in done.stderr
