"""What the guides point to exists: files by relative links, modules and files of the package by their paths."""

import importlib
import re

import pytest
from places import ROOT

GUIDES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")])
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_FILE = re.compile(r"`((?:molediff|scripts|configs|tests|docs)/[\w/.-]+)`")
_NAME = re.compile(r"\bmolediff(?:\.[a-zA-Z_]\w*)+")


def found(pattern, without_code=False):
    """(guide, text) of all that a pattern finds, the changelog apart: it names what was."""
    return sorted(
        {
            (guide, text)
            for guide in GUIDES
            if guide.name != "CHANGELOG.md"
            for text in pattern.findall(text_of(guide, without_code))
        }
    )


def text_of(guide, without_code):
    text = guide.read_text(encoding="utf-8")
    return re.sub(r"```.*?```|`[^`]*`(?!\])", "", text, flags=re.S) if without_code else text


def exists(name):
    """Whether a dotted name is a module, or something in one."""
    for count in range(name.count(".") + 1, 0, -1):
        module, rest = name.split(".")[:count], name.split(".")[count:]
        try:
            here = importlib.import_module(".".join(module))
        except ModuleNotFoundError:
            continue
        try:
            for part in rest:
                here = getattr(here, part)
        except AttributeError:
            return False
        return True
    return False


def test_relative_links_lead_somewhere():
    links = [(guide, link) for guide, link in found(_LINK, without_code=True) if "://" not in link]
    assert len(links) > 20
    assert [(guide.name, link) for guide, link in links if not (guide.parent / link).exists()] == []


def test_files_that_are_named_exist():
    files = found(_FILE)
    assert len(files) > 5
    assert [(guide.name, file) for guide, file in files if not (ROOT / file).exists()] == []


def test_names_of_the_package_exist():
    names = [(guide, name) for guide, name in found(_NAME) if not name.endswith(".safetensors")]
    assert len(names) > 5
    assert [(guide.name, name) for guide, name in names if not exists(name)] == []


@pytest.mark.parametrize(
    ("name", "there"),
    [("molediff.core.Heun", True), ("molediff.core.solvers.heun", True), ("molediff.corr", False)],
)
def test_a_name_is_found_or_not(name, there):
    assert exists(name) == there
