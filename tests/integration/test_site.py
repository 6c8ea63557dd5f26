"""The documentation site: every page is reached, every weights file has its card, and it builds without a warning."""

import os
import re
import subprocess
import sys
from html import unescape
from urllib.parse import unquote

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
    assert dead_links(tmp_path / "site") == []


def dead_links(site):
    """(page, link) of links and pictures that lead to no file of the site, or to no place in a page of it."""
    pages = {page.resolve(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    places = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    dead = []
    for page, text in pages.items():
        bare = re.sub(r'<script.*?</script>|srcdoc=".*?"', "", text, flags=re.S)
        for link in map(unescape, re.findall(r'(?:href|src)="([^"]+)"', bare)):
            address, _, place = link.partition("#")
            if re.match(r"\w+:", address):
                continue
            goal = (page.parent / unquote(address.split("?")[0])).resolve() if address else page
            if not goal.exists() or (place and place not in places.get(goal, {place})):
                dead.append((page.name, link))
    return dead


def test_a_dead_link_and_a_dead_place_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#top"></a><a href="#top"></a><img src="c.png">'
    )
    (tmp_path / "b.html").write_text('<a href="a.html#top"></a><a href="https://x"></a>')
    assert dead_links(tmp_path) == [("a.html", "b.html#top"), ("a.html", "c.png")]
