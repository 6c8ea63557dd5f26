"""Fifty rows of QM9 as the source gives them, read once for all tests."""

from pathlib import Path

import pytest

from molediff.molecules.data.qm9 import QM9, load_qm9

SOURCE = Path(__file__).parents[1] / "data" / "qm9"


@pytest.fixture(scope="session")
def qm9_source() -> Path:
    return SOURCE


@pytest.fixture(scope="session")
def qm9_rows(tmp_path_factory: pytest.TempPathFactory) -> QM9:
    return load_qm9(tmp_path_factory.mktemp("data"), SOURCE, num_processes=1, progress=False)
