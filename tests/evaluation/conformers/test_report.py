import json
import re
from html.parser import HTMLParser

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.evaluate import DATA_ROW, evaluate_methods
from molediff.evaluation.conformers.report import write_report
from molediff.runtime.files import check_writable


@pytest.fixture(scope="module")
def evaluation():
    references = [Chem.AddHs(Chem.MolFromSmiles(smiles)) for smiles in ("C[C@H](O)C#N", "C1CCOC1", "c1ccoc1")]
    for mol in references:
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    methods = {"ETKDG <v3>": etkdg, "fails": [None, None, None]}
    protocol = {"solver": "DPM & co"}
    return evaluate_methods(references, methods, 2, max_plausibility=1, protocol=protocol, progress=False)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.rows, self.addresses = 0, 0, []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.rows += tag == "tr"
        self.addresses += [value for name, value in attributes if name in ("src", "href") and value]


def test_metrics_are_strict_json_with_every_method_and_molecule(tmp_path, evaluation):
    path, _ = write_report(evaluation, tmp_path, viewer=False)
    metrics = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert list(metrics["methods"]) == [DATA_ROW, "ETKDG <v3>", "fails"]
    assert [len(method["molecules"]) for method in metrics["methods"].values()] == [3, 3, 3]
    assert metrics["methods"]["fails"]["num_failed"] == 3
    assert metrics["methods"]["fails"]["mat_recall_mean"] is None
    assert metrics["protocol"]["molecules"] == 3
    assert metrics["protocol"]["solver"] == "DPM & co"


def test_page_needs_no_network_and_stays_small(tmp_path, evaluation):
    _, path = write_report(evaluation, tmp_path, viewer=True)
    text = path.read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(text)
    assert [address for address in elements.addresses if not address.startswith(("#", "data:"))] == []
    assert elements.rows == 2 * (2 + 3)
    assert path.stat().st_size < 6_000_000
    assert len(re.findall(r"plotly\.js v\d", text)) == 1


def test_names_are_escaped_and_pictures_are_inside(tmp_path, evaluation):
    _, path = write_report(evaluation, tmp_path, viewer=False)
    text = path.read_text(encoding="utf-8")
    assert "ETKDG <v3>" not in text
    assert "ETKDG &lt;v3&gt;" in text
    assert text.count("<svg") >= 7
    assert "<script" not in text
    assert path.stat().st_size < 1_000_000


def test_same_evaluation_same_bytes(tmp_path, evaluation):
    pages = [write_report(evaluation, tmp_path / name, viewer=False)[1].read_bytes() for name in ("a", "b")]
    assert pages[0] == pages[1]


def test_unwritable_place_is_known_before_the_work(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match="file"):
        check_writable(file / "folder")
    check_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
