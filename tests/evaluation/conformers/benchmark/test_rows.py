"""Rows of the benchmark on methods whose answer is known, and what is kept of them."""

import math
from importlib.util import find_spec

import numpy as np
import pytest
from matplotlib.figure import Figure
from rdkit.Chem import Mol

from molediff.evaluation.conformers.benchmark.plots import (
    coverage_figure,
    evaluations_figure,
    precision_curve,
    recall_curve,
    seconds_figure,
)
from molediff.evaluation.conformers.benchmark.rows import (
    Contender,
    RowStore,
    draws_of_references,
    measure_row,
)
from molediff.evaluation.conformers.benchmark.table import text_table


@pytest.fixture
def references(embed):
    return [embed("OCC=O", 2), embed("C[C@H](O)C#N", 1)]


@pytest.fixture
def measured(references):
    """The first molecule is copied twice over, on the second the method fails."""
    asked = []

    def copies(mol: Mol, num_conformers: int, seed: int) -> Mol | None:
        asked.append((mol.GetNumConformers(), num_conformers, seed))
        if mol.GetNumAtoms() != references[0].GetNumAtoms():
            return None
        twice = Mol(references[0])
        for conformer in references[0].GetConformers():
            twice.AddConformer(conformer, assignId=True)
        return twice

    contender = Contender("copies", "rdkit", copies)
    row = measure_row(contender, references, seed=3, run_id="monday", progress=False)
    assert asked == [(0, 4, 3), (0, 2, 3)]  # 2K, without coordinates
    return contender, row


def test_a_failed_molecule_counts_as_zero_coverage_and_no_distance(measured):
    figures = measured[1].figures
    assert figures["cov_recall_0.05_mean"] == figures["cov_precision_0.05_mean"] == 0.5
    assert figures["mat_recall_mean"] == pytest.approx(0.0, abs=1e-4)
    assert figures["num_failed"] == 1
    assert figures["returned_pooled"] == pytest.approx(4 / 6)
    assert figures["processor_seconds_per_conformer"] > 0
    assert math.isnan(figures["xtb_strain_median"])


def test_former_keys_keep_their_meaning_for_one_release(measured):
    figures = measured[1].figures
    assert figures["seconds_per_conformer"] == figures["processor_seconds_per_conformer"]
    assert figures["returned"] == figures["returned_pooled"]


@pytest.mark.skipif(find_spec("Auto3D") is None, reason="needs AIMNet2: pip install 'molediff[aimnet2]'")
def test_strain_is_measured_by_the_methods_asked_for_alone(references):
    contender = Contender("data", "data", references)
    row = measure_row(
        contender,
        references,
        1,
        strain_molecules=1,
        strain_conformers=1,
        progress=False,
        strain_methods=["aimnet2"],
    )
    assert 0 < row.figures["aimnet2_strain_median"] < 20
    assert math.isnan(row.figures["xtb_strain_median"])


def test_curves_agree_with_the_figures(measured):
    row = measured[1]
    thresholds = np.array([0.05, 0.5])
    np.testing.assert_allclose(recall_curve(row, thresholds), [0.5, 0.5])
    np.testing.assert_allclose(precision_curve(row, thresholds), [0.5, 0.5])


def test_wrong_stereo_is_counted_before_rejection_where_the_method_tells(references):
    mirrored = Mol(references[1])
    mirrored.GetConformer().SetPositions(references[1].GetConformer().GetPositions() * [1, 1, -1])
    returned = measure_row(
        Contender("m", "rdkit", iter([None, mirrored])), references, seed=1, progress=False
    )
    assert returned.figures["wrong_stereo_drawn"] == returned.figures["wrong_stereo_returned"] == 1.0
    told = Contender("t", "ours", iter([None, references[1]]), wrong_stereo=lambda: 0.25)
    figures = measure_row(told, references, seed=1, progress=False).figures
    assert (figures["wrong_stereo_drawn"], figures["wrong_stereo_returned"]) == (0.25, 0.0)


def test_the_data_cover_themselves_and_a_perfect_sampler_covers_what_chance_allows(references):
    whole = measure_row(Contender("data", "data", references), references, seed=1, progress=False).figures
    assert (
        whole["cov_recall_0.05_mean"] == whole["cov_precision_0.05_mean"] == whole["returned_pooled"] == 1.0
    )
    pairs = [draws_of_references(references[0], seed) for seed in range(1, 201)]
    assert {mol.GetNumConformers() for mol in pairs} == {4}
    complete = np.mean([len({str(c.GetPositions()) for c in mol.GetConformers()}) == 2 for mol in pairs])
    assert complete == pytest.approx(1 - 2 * 0.5**4, abs=0.07)


def test_a_row_is_kept_for_the_same_settings_alone(measured, tmp_path):
    contender, row = measured
    store = RowStore(tmp_path, {"seed": 1})
    assert store.load(contender) is None
    store.save(contender, row)
    loaded = store.load(contender)
    assert loaded is not None
    assert (loaded.recall, loaded.precision, loaded.run_id) == (row.recall, row.precision, "monday")
    assert loaded.figures["cov_recall_0.5_mean"] == 0.5
    assert math.isnan(loaded.figures["xtb_strain_median"])
    assert RowStore(tmp_path, {"seed": 2}).load(contender) is None
    other = Contender("copies", "rdkit", contender.method, settings={"num_steps": 5})
    assert store.load(other) is None
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text()[:100])  # spoilt
    assert store.load(contender) is None


def test_table_shows_failures_and_warns_of_times_of_several_runs(measured):
    row = measured[1]
    lines = text_table([row]).splitlines()
    assert lines[3].split()[:2] == ["copies", "50.0"]
    assert "runs" not in text_table([row])
    other = type(row)(**{**vars(row), "run_id": "tuesday"})
    assert "2 runs: times compare only within one" in text_table([row, other])


def test_pictures_hold_every_method(measured):
    row = vars(measured[1])
    rows = [
        measured[1],
        *(
            type(measured[1])(**{**row, "name": f"o{n}", "kind": "ours", "solver": "S", "num_evaluations": n})
            for n in (1, 5)
        ),
    ]
    for figure, lines in (
        (coverage_figure(rows), 3),
        (evaluations_figure(rows), 2),
        (seconds_figure(rows), 2),
    ):
        assert isinstance(figure, Figure)
        handles, _ = figure.axes[0].get_legend_handles_labels()
        assert len(handles) == lines
