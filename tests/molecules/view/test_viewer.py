"""What a notebook gets: text that cannot become markup, coordinates to 1/100 Angstrom, one script."""

import base64
import html
import json
import re

import numpy as np
import pytest
from browser import run_page
from fake_generators import embedded

from molediff import View
from molediff.molecules.conformers import with_conformers
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.view.viewer import MAX_SHOWN, as_integers, chosen, viewer_data
from molediff.molecules.whole.result import NewMolecule


def ensemble(num: int, smiles: str = "CCO", **more) -> GenerationResult:
    """Conformers that are alike but for a growing distance of the last atom."""
    mol = embedded("CCO")
    x = mol.GetConformer().GetPositions()
    shift = np.zeros_like(x)
    shift[-1] = 0.3
    return GenerationResult(
        smiles, with_conformers(mol, [x + k * shift for k in range(num)]), "ok", "", num, 1, **more
    )


def data_of(page: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-molecule="([^"]*)"', page)[1]))


@pytest.mark.parametrize("given", ["CCO", [ensemble(1), ensemble(1)], None])
def test_what_cannot_be_viewed_is_told_what_can(given):
    with pytest.raises(
        TypeError, match=f"one result of a generator, or one Mol .* got {type(given).__name__}$"
    ):
        View(given)


def test_coordinates_arrive_at_a_hundredth_of_an_angstrom():
    result = ensemble(3)
    data = data_of(result._repr_html_())
    x = np.frombuffer(base64.b64decode(data["x"]), dtype="<i2").reshape(3, 9, 3) / 100
    given = result.ensemble.coordinates
    for shown, known in zip(x, given, strict=True):
        distances = [np.linalg.norm(points[:, None] - points[None], axis=-1) for points in (shown, known)]
        np.testing.assert_allclose(*distances, atol=0.02)
    assert data["elements"] == ["C", "C", "O"] + 6 * ["H"]
    assert sorted(order for *_, order in data["bonds"]) == 8 * [1]


def test_aromatic_bonds_are_shown_in_a_kekule_form():
    orders = [order for *_, order in viewer_data(embedded("c1ccncc1"), [0], [])["bonds"]]
    assert (orders.count(2), orders.count(1)) == (3, 3 + 5)


def test_what_is_far_away_or_not_finite_breaks_nothing():
    assert as_integers(np.array([1e9, -1e9, np.nan, np.inf, 1.234])).tolist() == [
        32700,
        -32700,
        0,
        32700,
        123,
    ]


def test_of_many_conformers_the_lowest_are_shown_and_the_page_says_so():
    num = MAX_SHOWN + 3
    page = ensemble(num, energies=np.arange(num, 0, -1.0), energy_method="MMFF94s")._repr_html_()
    assert "3 more conformers not shown" in page
    assert len(data_of(page)["labels"]) == MAX_SHOWN
    assert data_of(page)["labels"][-1] == "+0.00 kcal/mol (MMFF94s)"
    assert chosen(4, np.array([3.0, np.nan, 1.0, 2.0]), 3) == [0, 2, 3]


def test_a_failure_is_words_alone():
    page = GenerationResult.failure("not <b>one</b>", "why & how", 5, 0)._repr_html_()
    assert "not &lt;b&gt;one&lt;/b&gt;" in page
    assert "why &amp; how" in page
    assert "<script" not in page


def test_a_new_molecule_shows_itself_as_a_result_does():
    drawn = NewMolecule(0, "CCO", embedded("CCO"), "ok", "", "", 5)
    assert len(data_of(drawn._repr_html_())["elements"]) == 9
    none = NewMolecule(1, "", None, "failed", "valence", "an atom with too many bonds", 5)
    assert "an atom with too many bonds" in none._repr_html_()


@pytest.mark.slow
def test_a_molecule_turns_and_switches_in_a_browser(tmp_path):
    nasty = "<img src=x onerror=\"boom('x')\"></script><script>boom()</script>"
    result = ensemble(4, nasty, energies=np.array([0.0, 1.0, 2.0, 3.0]), energy_method="<b>'\"")
    View(result).save(tmp_path / "view.html")
    found = run_page(
        tmp_path / "view.html",
        """
        const root = document.querySelector(".molediff-view"), canvas = root.querySelector("canvas");
        const picture = () => canvas.toDataURL();
        const before = root.molediff.orientation(), first = picture();
        const at = (name, x, y) => canvas.dispatchEvent(new PointerEvent(name, {clientX: x, clientY: y, pointerId: 1}));
        at("pointerdown", 100, 100); at("pointermove", 160, 130); at("pointerup", 160, 130);
        await later();
        const second = picture();
        const slider = root.querySelector("input[type=range]");
        slider.value = 2; slider.dispatchEvent(new Event("input"));
        await later();
        return {turned: before.join() !== root.molediff.orientation().join(), redrawn: first !== second,
          switched: second !== picture(), text: root.textContent, blank: first.length < 2000,
          head: document.querySelector("b").textContent, images: document.querySelectorAll("img").length};
        """,
    )
    assert found["errors"] == []
    assert found["turned"]
    assert found["redrawn"]
    assert found["switched"]
    assert not found["blank"]
    assert found["head"] == nasty
    assert found["images"] == 0
    assert "conformer 3 of 4 · +2.00 kcal/mol (<b>'\")" in found["text"]
