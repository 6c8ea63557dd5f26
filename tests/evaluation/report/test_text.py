"""Tables as text."""

import pytest

from molediff.evaluation.report.text import markdown_table, text_table


def test_names_to_the_left_numbers_to_the_right_under_their_units_and_groups():
    table = text_table(
        ("", "first", "second", "third"),
        [("a method", "1", "22.5", "3"), ("b", "10", "–", "")],
        units=("", "Å", "%", ""),
        groups=("", "near", "near", "far"),
    )
    assert table.splitlines() == [
        "          near           far",
        "          first  second  third",
        "              Å       %",
        "------------------------------",
        "a method      1    22.5      3",
        "b            10       –",
    ]


def test_several_columns_may_name_the_row():
    table = text_table(("solver", "path", "1"), [("Heun", "cosine", "0.25")], num_names=2)
    assert table.splitlines() == ["solver  path       1", "--------------------", "Heun    cosine  0.25"]


@pytest.mark.parametrize("wrong", [{"rows": [("a",)]}, {"units": ("A",)}, {"groups": ("", "", "")}])
def test_a_line_of_another_length_is_refused(wrong):
    with pytest.raises(ValueError, match="table of 2 columns"):
        text_table(("", "x"), **{"rows": [], **wrong})


def test_markdown():
    assert markdown_table(("choice", "x"), [("one", "1")]) == "| choice | x |\n| --- | ---: |\n| one | 1 |"
