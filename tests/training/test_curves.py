"""Reading and drawing the curves of a run."""

import pytest

from molediff.training.curves import plot_curves, read_curves, write_curves

HEADER = (
    "minutes,step,train/loss,train/learning_rate,val/loss,val/loss_lambda_+7.0_to_+0.9,val/rmsd_best_mean\n"
)


@pytest.fixture
def run_dir(tmp_path):
    for version, rows in ((0, "1.0,10,0.5,0.001,,,\n1.5,15,,,0.6,0.7,0.4\n"), (1, "2.0,20,0.25,0.0005,,,\n")):
        folder = tmp_path / "csv" / f"version_{version}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(HEADER + rows)
    return tmp_path


def test_parts_of_a_run_join_and_gaps_are_left_out(run_dir):
    curves = read_curves(run_dir)
    assert curves["train/loss"].tolist() == [[1.0, 0.5], [2.0, 0.25]]
    assert curves["val/loss"].tolist() == [[1.5, 0.6]]


def test_what_a_killed_part_logged_after_its_checkpoint_is_left_out(run_dir):
    folder = run_dir / "csv" / "version_2"
    folder.mkdir()
    (folder / "metrics.csv").write_text(HEADER + "1.2,12,0.4,0.0008,,,\n3.0,30,0.2,0.0001,,,\n")
    curves = read_curves(run_dir)
    assert curves["train/loss"].tolist() == [[1.0, 0.5], [1.2, 0.4], [3.0, 0.2]]
    assert "val/loss" not in curves


def test_table_has_a_row_for_every_value(run_dir, tmp_path):
    write_curves(run_dir, tmp_path / "curve.csv")
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0] == "metric,minutes,value"
    assert "val/loss,1.500,0.6" in lines


def test_picture_is_written(run_dir, tmp_path):
    plot_curves(run_dir, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_folder_without_a_log_says_so(tmp_path):
    with pytest.raises(ValueError, match="no log"):
        read_curves(tmp_path / "nothing")
