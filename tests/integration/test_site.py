"""The documentation site: every page is reached, every weights file has its card, and it builds without a warning."""

import os
import re
import subprocess
import sys

import pytest
from places import PACKAGE, ROOT

DOCS = ROOT / "docs"
sys.path.append(str(DOCS))

from model_cards import cards  # noqa: E402 (it stands in docs/)

WEIGHTS = sorted(file.stem for file in (PACKAGE / "weights").glob("*.safetensors"))


def test_every_page_in_a_folder_stands_in_the_contents():
    """Those beside the index are put there when the site is built."""
    assert "<!-- other pages -->" in (DOCS / "index.md").read_text()
    listed = set(re.findall(r"^(?:\w+/)?\w+$", (DOCS / "index.md").read_text(), flags=re.M))
    pages = {
        str(page.relative_to(DOCS).with_suffix(""))
        for page in DOCS.rglob("*.md")
        if page.parent.name in ("start", "howto", "reference")
    }
    assert len(pages) > 10
    assert pages - listed == set()


def test_every_weights_file_has_its_card_on_the_site():
    written = cards()
    for name in WEIGHTS:
        assert f"\n## {name}\n" in f"\n{written}"
    for part in ("| SHA-256 |", "| licence |", "| training |", "| trained on |", "**Limits**"):
        assert written.count(part) == len(WEIGHTS), part
    assert written.count("**Measured**") >= len(WEIGHTS)


def test_pages_with_cells_begin_with_a_kernel():
    """Without one the cells would be shown and not run."""
    pages = [page for page in DOCS.rglob("*.md") if "{code-cell}" in page.read_text()]
    assert len(pages) > 5
    assert [page.name for page in pages if not page.read_text().startswith("---\njupytext:")] == []


@pytest.mark.slow
def test_the_site_builds_without_warnings(tmp_path):
    """Without running its pages, which `make docs` does."""
    for package in ("sphinx", "furo", "myst_nb"):
        pytest.importorskip(package, reason="the extra 'docs' builds the site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-D", "nb_execution_mode=off"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "site")],
        capture_output=True, text=True, timeout=900, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "models.html").read_text()
    assert all(f'id="{name.replace("_", "-")}"' in page for name in WEIGHTS)
