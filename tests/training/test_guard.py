"""When a run is stopped."""

import pytest

from molediff.training.guard import DivergedError, LossGuard


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_stop_the_run(value):
    with pytest.raises(DivergedError, match="step 7"):
        LossGuard().check_loss(value, 7)
    with pytest.raises(DivergedError, match="step 7"):
        LossGuard().check_gradient(value, 7)


def test_a_loss_that_explodes_stops_the_run():
    guard = LossGuard(factor=10, length=20)
    for step in range(40):
        guard.check_loss(1.0, step)
    with pytest.raises(DivergedError, match="times the lowest"):
        guard.check_loss(1000.0, 40)


def test_one_bad_batch_and_a_noisy_start_do_not_stop_it():
    guard = LossGuard(factor=10, length=20)
    for step in range(10):
        guard.check_loss(1000.0 / (step + 1), step)
    for step in range(10, 100):
        guard.check_loss(50.0 if step == 60 else 1.0, step)


def test_memory_survives_a_checkpoint():
    first, second = LossGuard(length=5), LossGuard(length=5)
    for step in range(10):
        first.check_loss(1.0, step)
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
