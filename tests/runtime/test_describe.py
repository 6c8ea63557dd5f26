import re
from importlib.metadata import version

from molediff.runtime.describe import describe_machine


def test_names_processor_threads_and_versions():
    description = describe_machine(num_threads=2)
    assert re.fullmatch(r".+, 2 threads", description["machine"])
    assert f"torch {version('torch')}" in description["versions"]
    assert f"rdkit {version('rdkit')}" in description["versions"]
