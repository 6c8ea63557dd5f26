"""Status, reason and remedy, from the numbers alone."""

from types import SimpleNamespace

import pytest

from molediff.molecules.generation.outcome import MORE_ATTEMPTS, remedy, shortage, status_of

CHECKS = [
    SimpleNamespace(name="bond_length", remedy=""),
    SimpleNamespace(name="flat", remedy="leave flat out"),
]


@pytest.mark.parametrize(
    ("num_requested", "num_missing", "num_left", "problems", "status"),
    [
        (3, 0, 3, [], "ok"),
        (3, 0, 1, [], "ok"),  # duplicates were left out
        (3, 1, 2, [], "partial"),
        (3, 0, 3, ["no energies"], "partial"),
        (3, 3, 0, [], "failed"),
        (3, 0, 0, ["no time to relax"], "failed"),
    ],
)
def test_status(num_requested, num_missing, num_left, problems, status):
    assert status_of(num_requested, num_missing, num_left, problems) == status


@pytest.mark.parametrize(
    ("rejected", "expected"),
    [
        ({"bond_length": 2, "flat": 1}, "try more num_steps or max_attempts"),
        ({"bond_length": 1, "flat": 2}, "leave flat out, or try more num_steps or max_attempts"),
        ({"relaxation": 2}, "their minima are not this molecule; leave relax out"),
        ({"fixed": 2}, "check that the stereo asked for is possible with the fixed atoms where they are"),
        ({"flat": 0}, "try more num_steps or max_attempts"),
        ({}, "try more num_steps or max_attempts"),
    ],
)
def test_the_remedy_is_that_of_the_most_frequent_rejection(rejected, expected):
    assert remedy(rejected, CHECKS) == expected


def test_distilled_weights_have_no_more_steps_and_a_timeout_comes_first():
    assert remedy({}, CHECKS, MORE_ATTEMPTS) == "try more max_attempts"
    assert remedy({"flat": 9}, CHECKS, late=True) == "allow a longer timeout"


def test_a_shortage_names_what_was_rejected():
    text = shortage(5, 2, 9, {"clash": 4, "stereo": 0, "flat": 2}, "wait")
    assert text == "2 of 5 conformers missing after 9 samples (rejected: clash 4, flat 2): wait"
    assert "(rejected: none)" in shortage(5, 2, 9, {}, "wait")
