"""Model cards: all that ship are whole, and their figures are those of the pages that they name."""

import json
import re
import shutil

import pytest
from at_a_prompt import molediff
from places import PACKAGE, ROOT

from molediff.commands.cards import card_of, of_which
from molediff.commands.weights import facts_of

FILES = sorted((PACKAGE / "weights").glob("*.safetensors"))
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_weights_file_has_a_card_with_figures_and_limits(file):
    card = card_of(file)
    assert card.use
    assert card.training
    assert card.limits
    for one in card.measured:
        assert re.fullmatch(r"[0-9a-f]{8}", one.weights)
        assert one.protocol and one.seeds and one.command and one.figures  # noqa: PT018 (each of one figure)
    assert card.measured


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_figures_of_a_card_stand_on_the_page_that_it_names(file):
    for one in card_of(file).measured:
        page = {*NUMBER.findall((ROOT / one.page).read_text(encoding="utf-8"))}
        missing = {name: value for name, value in one.figures.items() if not {*NUMBER.findall(value)} <= page}
        assert missing == {}, f"not in {one.page}"


def test_a_card_of_no_weights_is_left_over():
    cards = {file.name.removesuffix(".card.json") for file in (PACKAGE / "weights").glob("*.card.json")}
    assert cards == {file.stem for file in FILES}


def test_figures_of_weights_before_are_said_to_be_of_those():
    one = card_of(FILES[0]).measured[0]
    assert of_which(one, one.weights + "0" * 56) == f"weights {one.weights}"
    assert "not measured again" in of_which(one, "f" * 64)


def test_info_tells_the_card_and_json_has_it_beside_the_facts(tmp_path):
    card = card_of(PACKAGE / "weights" / "lj13.safetensors")
    text = molediff("weights", "info", "lj13", folder=tmp_path).stdout
    assert text.startswith(f"lj13: {card.use}\n")
    assert all(value in text for value in card.measured[0].figures.values())
    found = json.loads(molediff("weights", "info", "lj13", "--json", folder=tmp_path).stdout)
    assert found["card"]["limits"] == card.limits
    assert found["sha256"] == facts_of(PACKAGE / "weights" / "lj13.safetensors")["sha256"]


def test_weights_without_a_card_tell_what_their_file_says(tmp_path):
    shutil.copy(PACKAGE / "weights" / "dw4.safetensors", tmp_path / "mine.safetensors")
    text = molediff("weights", "info", "mine.safetensors", folder=tmp_path).stdout
    assert "100000 Monte Carlo samples of dw4" in text
    assert "14 minutes in the last part" in text
    assert "Limits" not in text
