"""The page of a report: small, offline, and names stay names; in a browser it sorts, searches and turns."""

import csv
import io
import json
import re
from html import unescape

import numpy as np
import pytest
from browser import run_page
from fake_generators import embedded
from rdkit import Chem
from rdkit.Chem import rdDistGeom

import molediff
from molediff.evaluation.conformers.inspection.ensembles import OwnMolecule
from molediff.evaluation.conformers.inspection.inspect import Inspection
from molediff.evaluation.conformers.inspection.page import page
from molediff.evaluation.conformers.inspection.picture import formula_svg
from molediff.evaluation.conformers.inspection.report import ReportWriter, report, report_on_files
from molediff.molecules.conformers import with_conformers
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.view.viewer import viewer_script

NASTY = "</script><script>boom()</script><img src=x onerror=boom()> \"quoted\" 'and' &amp;"
DRUG = "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1"


def ensembles() -> list[tuple[str, GenerationResult]]:
    """A good one, one with the wrong hand, a failure with a nasty name, and one with many conformers."""
    hand = embedded("C[C@H](O)F")
    x = hand.GetConformer().GetPositions()
    chain = Chem.AddHs(Chem.MolFromSmiles("CCCCO"))
    rdDistGeom.EmbedMultipleConfs(chain, 4, randomSeed=1)
    return [
        ("good", GenerationResult("CCO", embedded("CCO"), "ok", "", 1, 1)),
        ("hand", GenerationResult("C[C@H](O)F", with_conformers(hand, [x, x * [1, 1, -1]]), "ok", "", 2, 1)),
        (NASTY, GenerationResult.failure(NASTY, f"because {NASTY}", 5, 1)),
        ("chain", GenerationResult("CCCCO", chain, "ok", "", 4, 1)),
    ]


def write(path):
    writer = ReportWriter(f"Mine {NASTY}", "nowhere")
    for name, result in ensembles():
        writer.add(result, name)
    return writer.save(path)


def test_a_page_says_what_it_holds_and_loads_nothing(tmp_path):
    summary = write(tmp_path / "a.html")
    assert (summary.num_molecules, summary.num_conformers, summary.num_bad) == (4, 7, 2)
    text = (tmp_path / "a.html").read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text)
    assert text.count("<script") == 4  # the head of the CSV, what is packed, the viewer and the page itself
    assert "boom()</script>" not in text


def test_a_hundred_drugs_with_ten_conformers_take_less_than_300_kb():
    """Without the viewer's script; coordinates of noise, which packs worse than any molecule's."""
    mol = embedded(DRUG)
    rng = np.random.default_rng(0)
    x = mol.GetConformer().GetPositions()
    found = []
    for number in range(100):
        many = with_conformers(mol, x + rng.normal(scale=0.5, size=(10, *x.shape)))
        energies, weights, strain = rng.uniform(0, 30, (3, 10))
        warnings = (("strain", "in 3 of 10 conformers above 25 kcal/mol, up to 30"),)
        own = OwnMolecule(f"molecule number {number}", many)
        found.append(
            Inspection(own, DRUG, "C17H14F3N3O2S", energies, "MMFF94s", weights, strain, 0.7, (), warnings)
        )
    text = page(found, "A hundred", {})
    assert len(text.encode()) - len(viewer_script().encode()) < 300_000


def test_a_picture_has_nothing_of_what_a_file_says_of_its_atoms():
    mol = Chem.MolFromSmiles("CCO")
    mol.GetAtomWithIdx(0).SetProp("_displayLabel", "<script>boom()</script>")
    mol.GetAtomWithIdx(1).SetProp("atomNote", "secret")
    svg = formula_svg(mol)
    assert svg.startswith("<svg")
    assert "boom" not in svg
    assert "secret" not in svg


def test_files_and_results_give_the_same_numbers(tmp_path):
    result = ensembles()[3][1]
    molediff.write(result, tmp_path / "chain.sdf", names=["chain"])
    from_file = report_on_files([str(tmp_path / "chain.sdf")], tmp_path / "f.html")
    assert from_file == report(result, tmp_path / "r.html", names=["chain"])
    pages = [(tmp_path / name).read_text() for name in ("f.html", "r.html")]
    rows = [json.loads(unescape(re.search(r'data-csv="([^"]*)"', text)[1])) for text in pages]
    assert rows[0][:6] == rows[1][:6]
    assert rows[0][6:10] == pytest.approx(rows[1][6:10], abs=0.01)  # four digits of an SDF


def test_without_molecules_there_is_no_page(tmp_path):
    (tmp_path / "a.sdf").write_text("")
    with pytest.raises(ValueError, match="no molecule to report on"):
        report_on_files([str(tmp_path / "a.sdf")], tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
    with pytest.raises(ValueError, match="fewer names"):
        report([embedded("CO"), embedded("CO")], tmp_path / "a.html", names=["one"])


@pytest.mark.slow
def test_in_a_browser_it_sorts_searches_opens_turns_and_exports(tmp_path):
    write(tmp_path / "a.html")
    found = run_page(
        tmp_path / "a.html",
        """
        for (let k = 0; k < 40 && !document.body.dataset.ready; k++) await later();
        const names = () => [...document.querySelectorAll("#rows > tr.molecule")].filter(row => !row.hidden)
          .map(row => row.querySelector("td.name button").textContent);
        const head = k => document.querySelectorAll("#molecules thead th")[k].querySelector("button");
        const plain = names();
        head(3).click(); const up = names();
        head(3).click(); const down = names();
        head(5).click(); const spread = names();
        const search = document.getElementById("search"), only = document.getElementById("only");
        search.value = "hand stereo"; search.dispatchEvent(new Event("input")); const searched = names();
        search.value = ""; search.dispatchEvent(new Event("input"));
        only.value = "bad"; only.dispatchEvent(new Event("change")); const bad = names();
        only.value = "all"; only.dispatchEvent(new Event("change"));
        const pictures = [...document.querySelectorAll("td.picture img")];
        await Promise.all(pictures.map(picture => picture.decode()));
        const row = [...document.querySelectorAll("tr.molecule")].find(r => r.textContent.includes("chain"));
        row.querySelector("td.name button").click();
        await later();
        const canvas = document.querySelector("tr.detail canvas"), root = canvas.parentElement;
        const before = root.molediff.orientation().join(), first = canvas.toDataURL();
        const at = (name, x, y) => canvas.dispatchEvent(new PointerEvent(name, {clientX: x, clientY: y, pointerId: 1}));
        at("pointerdown", 300, 300); at("pointermove", 380, 320); at("pointerup", 380, 320);
        await later();
        const turned = before !== root.molediff.orientation().join() && first !== canvas.toDataURL();
        document.querySelectorAll("tr.detail .conformers tbody tr")[2].click();
        const front = root.molediff.current();
        const failed = [...document.querySelectorAll("tr.molecule")].find(r => r.textContent.includes("boom"));
        failed.click();
        return {plain, up, down, spread, searched, bad, turned, front, blank: first.length < 2000,
          pictures: pictures.length, csv: molediffReport.csv(),
          images: document.querySelectorAll("img:not([src^='data:image/svg+xml'])").length,
          why: failed.nextElementSibling.textContent, title: document.querySelector("h1").textContent};
        """,
    )
    assert found["errors"] == []
    assert found["plain"] == ["good", "hand", NASTY, "chain"]
    assert found["up"] == [NASTY, "good", "hand", "chain"]
    assert found["down"] == ["chain", "hand", "good", NASTY]
    assert found["spread"][-2:] == [NASTY, "good"] or found["spread"][-2:] == [
        "good",
        NASTY,
    ]  # not known: last
    assert found["searched"] == ["hand"]
    assert sorted(found["bad"]) == sorted(["hand", NASTY])
    assert found["turned"]
    assert not found["blank"]
    assert found["front"] == 2
    assert found["pictures"] == 3
    assert found["images"] == 0
    assert f"because {NASTY}" in found["why"]
    assert found["title"] == f"Mine {NASTY}"
    table = list(csv.reader(io.StringIO(found["csv"], newline="")))
    assert table[0][:2] == ["name", "smiles"]
    assert sorted(row[0] for row in table[1:]) == sorted(["good", "hand", NASTY, "chain"])
    assert all(len(row) == len(table[0]) for row in table)
