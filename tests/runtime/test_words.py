"""How many, in words."""

import pytest

from molediff.runtime.words import counted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0, "molecule"), "0 molecules"),
        ((1, "molecule"), "1 molecule"),
        ((2, "molecule"), "2 molecules"),
        ((12345, "new molecule"), "12,345 new molecules"),
        ((1, "minimum", "minima"), "1 minimum"),
        ((3, "minimum", "minima"), "3 minima"),
    ],
)
def test_one_is_singular_and_all_else_plural(given, said):
    assert counted(*given) == said
