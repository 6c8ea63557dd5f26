"""Status, reason and remedy, from the numbers alone."""

from types import SimpleNamespace

import pytest

from molediff.molecules.generation.outcome import (
    ended_elsewhere,
    proton_moved,
    remedy,
    shortage,
    status_of,
)
from molediff.molecules.perception.protons import MovedProton

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
        ({"bond_length": 2, "flat": 1}, "try more"),
        ({"bond_length": 1, "flat": 2}, "leave flat out, or try more"),
        ({"bond_length": 1, "relaxation": 2}, "try more"),  # what relaxation took is another matter
        ({"fixed": 2}, "check that the stereo asked for is possible with the fixed atoms where they are"),
        ({"flat": 0}, "try more"),
        ({}, "try more"),
    ],
)
def test_the_remedy_is_that_of_the_most_frequent_rejection(rejected, expected):
    assert remedy(rejected, CHECKS, "try more") == expected


def test_who_shall_give_conformers_is_told_to_which_weights():
    """Where weights are picked by the molecule, `init` cannot be set."""
    advice = remedy({"embedding": 3, "flat": 1}, CHECKS, "try more", "drugs")
    assert advice.endswith("give a Mol with conformers, weights='drugs' and init='given'")


def test_what_relaxation_did_is_told():
    advice = proton_moved(MovedProton(7, 0, 6), "N", "O")
    assert advice == (
        "in vacuum a proton (atom 7) moves from N (atom 0) to O (atom 6): give the neutral form, or leave relax out"
    )
    assert "distort it too far (clash 2): give the neutral" in ended_elsewhere({"clash": 2}, True)
    plain = ended_elsewhere({"clash": 2, "flat": 0}, False)
    assert plain == "their minima are not this molecule (clash 2); leave relax out"
    assert ended_elsewhere({}, True) == "no minimum was found of them; leave relax out"


def test_a_shortage_names_what_was_rejected():
    text = shortage(5, 2, 9, {"clash": 4, "stereo": 0, "flat": 2}, "wait")
    assert text == "2 of 5 conformers missing after 9 samples (rejected: clash 4, flat 2): wait"
    assert "(rejected: none)" in shortage(5, 2, 9, {}, "wait")
