"""The documentation site: `make docs` builds it into build/docs. Pages with code cells are run while it is built."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from model_cards import cards  # noqa: E402 (it stands beside this file)

import molediff  # noqa: E402

project = "molediff"
author = copyright = "the molediff authors"
release = version = molediff.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "myst-nb"}
exclude_patterns = ["report", "images/*.html", "particles/**/*.html", "**.ipynb_checkpoints"]
suppress_warnings = [
    "misc.highlighting_failure",
    "myst.header",
    "myst-nb.lexer",
]  # the last: of cells not run

html_theme = "furo"
html_title = f"molediff {release}"
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Only pages that begin with a kernel have cells; whatever fails in one stops the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

_OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./(?!start/|howto/|reference/)([^)#\s]+)\)")
"""Links of a page to files of the repository that are no pages: on the site they are names."""


def other_pages(index):
    """Contents of the pages that the index does not name, so that none is lost."""
    named = set(re.findall(r"^[\w/]+$", index, flags=re.M))
    others = sorted(page.stem for page in HERE.glob("*.md") if page.stem not in {*named, "index"})
    lines = "\n".join(others)
    return f"```{{toctree}}\n:caption: More\n:maxdepth: 1\n\n{lines}\n```" if others else ""


def of_the_site(app, page, text):
    """The source of a page as the site has it: model cards filled in, links out of the pages as names."""
    if page == "index":
        text[0] = text[0].replace("<!-- other pages -->", other_pages(text[0]))
    if page == "models":
        text[0] = text[0].replace("<!-- the cards -->", cards())
    if "/" not in page:
        text[0] = _OUTSIDE.sub(lambda found: f"`{found[2]}`", text[0])


def setup(app):
    """Read pages through `of_the_site`."""
    app.connect("source-read", of_the_site)
