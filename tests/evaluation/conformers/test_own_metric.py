"""A metric of the user's own, without a change of the package."""

import json
import math
import re

import numpy as np
import pytest
from rdkit.Chem import Descriptors3D

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.evaluate import DATA_ROW, evaluate_methods
from molediff.evaluation.conformers.metrics import CONFORMER_METRICS
from molediff.evaluation.conformers.metrics.metric import CHECKS, Metric, fraction_of_requested
from molediff.evaluation.conformers.report import write_report
from molediff.evaluation.conformers.table import text_table


def gyration(result):
    mol = result.conformers
    return np.array([Descriptors3D.RadiusOfGyration(mol, confId=c.GetId()) for c in mol.GetConformers()])


SIZE = Metric("gyration", "gyration", "Å", 3, "", "radius of gyration", gyration)
SMALL = Metric(
    "small", "is small", "%", 1, "high", "conformers that are small",
    lambda result: result["gyration"] < 1.5, fraction_of_requested, group=CHECKS,
)  # fmt: skip


@pytest.fixture
def evaluation(embed):
    return evaluate_methods(
        [embed("CCO"), embed("CCCC")],
        {"etkdg": etkdg, "fails": [None, None]},
        num_conformers=2,
        max_plausibility=0,
        progress=False,
        metrics=[*CONFORMER_METRICS, SIZE, SMALL],
    )


def test_it_is_in_the_table_the_page_and_the_json(evaluation, tmp_path):
    of_etkdg = [gyration(molecule).mean() for molecule in evaluation.methods[1].molecules]
    figure = evaluation.summaries["etkdg"]["gyration"]
    assert figure == pytest.approx(np.mean(of_etkdg))
    assert figure != pytest.approx(evaluation.summaries[DATA_ROW]["gyration"], abs=1e-4)
    assert math.isnan(evaluation.summaries["fails"]["gyration"])

    text = text_table(evaluation)
    assert "gyration" in text
    assert f"{figure:.3f}" in text

    json_path, page_path = write_report(evaluation, tmp_path, viewer=False)
    written = json.loads(json_path.read_text(encoding="utf-8"))
    assert written["methods"]["etkdg"]["gyration"] == pytest.approx(figure)
    assert written["methods"]["fails"]["gyration"] is None
    assert written["meanings"]["gyration"] == "radius of gyration [Å]"
    np.testing.assert_allclose(
        [np.mean(molecule["gyration"]) for molecule in written["methods"]["etkdg"]["molecules"]],
        of_etkdg,
        atol=1e-4,
    )
    page = page_path.read_text(encoding="utf-8")
    assert re.search(r'<th title="radius of gyration">gyration<small>Å</small></th>', page)
    assert f"<td>{figure:.3f}</td>" in page


def test_a_check_may_use_another_measurement_and_is_plotted_with_the_checks(evaluation, tmp_path):
    assert 0 < evaluation.summaries["etkdg"]["small"] < 1
    assert evaluation.summaries["fails"]["small"] == 0
    page = write_report(evaluation, tmp_path, viewer=False)[1].read_text(encoding="utf-8")
    plot = page[page.index("Checks failed") : page.index("Seconds a conformer")]
    assert "is small" in plot


def test_a_list_of_ones_own_alone_gives_a_report(embed, tmp_path):
    evaluation = evaluate_methods([embed("CCO")], {"etkdg": etkdg}, metrics=[SIZE], progress=False)
    assert list(evaluation.summaries["etkdg"]) == ["gyration"]
    assert list(evaluation.methods[1].molecules[0].values) == ["gyration"]
    assert "RMSD" not in text_table(evaluation)
    page = write_report(evaluation, tmp_path)[1].read_text(encoding="utf-8")
    assert "gyration" in page
    assert "Distance to the reference" not in page


def test_a_measurement_that_metrics_share_is_made_once(embed):
    calls = []

    def counted(result):
        calls.append(result)
        return np.zeros(result.num_returned)

    two = [Metric(key, key, "", 0, "", "", counted, measured="zeros") for key in ("a", "b")]
    evaluation = evaluate_methods([embed("CCO")], {}, metrics=two, progress=False)
    assert len(calls) == 1
    assert evaluation.summaries[DATA_ROW] == {"a": 0.0, "b": 0.0}


def test_two_metrics_of_one_key_are_refused(embed):
    with pytest.raises(ValueError, match="key 'gyration'"):
        evaluate_methods([embed("CCO")], {}, metrics=[SIZE, SIZE], progress=False)
