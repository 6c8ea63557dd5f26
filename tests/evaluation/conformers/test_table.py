import pytest

from molediff.evaluation.conformers.evaluate import DATA_ROW, Evaluation
from molediff.evaluation.conformers.metrics import CONFORMER_METRICS
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.conformers.table import best_methods, text_table, value

RMSD = next(column for column in CONFORMER_METRICS if column.key == "mat_recall_mean")
STEREO = next(column for column in CONFORMER_METRICS if column.key == "stereo")


def evaluation(**figures: dict[str, float]) -> Evaluation:
    plain = {column.key: float("nan") for column in CONFORMER_METRICS}
    summaries = {name: plain | own for name, own in figures.items()}
    return Evaluation(
        [], {DATA_ROW: plain | {"stereo": 1.0, "mat_recall_mean": 0.0}, **summaries}, [], {"molecules": 7}
    )


def test_figures_in_the_unit_of_their_column():
    assert STEREO.text(0.9876) == "98.8"
    assert RMSD.text(0.12345) == "0.123"
    assert RMSD.text(float("nan")) == "–"


def test_distance_of_the_data_to_itself_is_not_shown():
    table = evaluation(ours={"mat_recall_mean": 0.2})
    assert RMSD.text(value(table, DATA_ROW, RMSD)) == "–"
    assert STEREO.text(value(table, DATA_ROW, STEREO)) == "100.0"


@pytest.mark.parametrize(("column", "best"), [(RMSD, {"a"}), (STEREO, {"b", "c"})])
def test_best_by_the_direction_of_the_column_with_ties_as_shown(column: Metric, best: set[str]):
    table = evaluation(
        a={"mat_recall_mean": 0.1, "stereo": 0.5},
        b={"mat_recall_mean": 0.2, "stereo": 0.99901},
        c={"mat_recall_mean": 0.3, "stereo": 0.99902},
    )
    assert best_methods(table, column) == best


def test_a_single_method_is_not_called_the_best():
    assert best_methods(evaluation(a={"stereo": 0.5}), STEREO) == set()


def test_text_has_a_row_for_each_method_in_each_block_and_the_protocol():
    lines = text_table(evaluation(ours={"stereo": 0.987, "mat_recall_mean": 0.123})).splitlines()
    assert sum(line.startswith("ours") for line in lines) == 2
    assert sum(line.startswith(DATA_ROW) for line in lines) == 2
    assert lines[-1] == "molecules: 7"
    assert any("0.123" in line for line in lines)
    assert any("98.7" in line for line in lines)
