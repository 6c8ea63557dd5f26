"""The picture and the figures of `benchmark=training_craft`."""

import math

import pytest

from molediff.evaluation.mathematics.training_craft_plots import BANDS, craft_figure, final_values


def run(*values):
    """Rows with the same excess everywhere."""
    names = [f"val/{kind}{band}" for kind in ("excess_", "averaged_excess_") for band in BANDS]
    return [{"step": 10 * (k + 1), **dict.fromkeys(names, value)} for k, value in enumerate(values)]


def test_final_values_are_geometric_means_and_their_error():
    found = final_values([run(9.0, 1.0), run(9.0, 4.0)])
    assert len(found) == 4
    for mean, factor in found:
        assert mean == pytest.approx(2.0)  # sqrt(1 * 4)
        assert factor == pytest.approx(math.exp(math.log(4) / 2))  # standard error of two logarithms


def test_one_run_has_no_error():
    assert final_values([run(0.5)])[0] == pytest.approx((0.5, 1.0))


def test_a_panel_for_each_part_and_band_and_a_run_that_ended_early():
    figure = craft_figure(
        {"schedules": {"constant": [run(3.0, 2.0, 1.0), run(2.0)]}, "clipping": {"none": [run(1.0)]}},
        dict.fromkeys(BANDS, 4.0),
    )
    assert len(figure.axes) == 4
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == [
        "constant",
        "before training",
    ]
