"""What a prior of torsions knows of molecules that it has not seen."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from molediff.evaluation.conformers.benchmark.torsions import law_figure, measure, mutual_information
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.torsions import Torsions
from molediff.networks.pretrained import load_torsion_prior

WEIGHTS = "drugs_torsions"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("torsions")
    torsions = Torsions.read("data/torsions.npz")
    held_out = [row for row, smiles in enumerate(torsions.smiles_list()) if is_held_out(smiles)]
    torsions.of_molecules(np.array(held_out[::12] + [0])).save(
        folder / "some.npz"
    )  # the last is not held out
    return measure(str(folder), WEIGHTS, str(folder / "some.npz"), "CCCCC", 20_000), folder


def test_neighbours_tell_of_each_other(found):
    for source, most in (("crystal", 2), ("minima", 2)):
        row = found[0]["sources"][source]
        assert 200 < row["torsions"] < 1500
        assert 0.5 < row["gain"] + 0.02 < row["gain_given_others"] < most
        of_distance = found[0]["information"][source]
        assert (
            of_distance[0] > 10 * of_distance[3] > 0
        )  # bonds that share an atom, and those three bonds apart


def test_figures_and_a_picture_are_written(found):
    written = json.loads((found[1] / "figures.json").read_text(encoding="utf-8"))
    assert written["sources"] == found[0]["sources"]
    assert (found[1] / "torsions.png").stat().st_size > 10_000


def test_a_molecule_without_two_rotatable_bonds_has_no_picture():
    with pytest.raises(ValueError, match="CCCC are coupled"):
        law_figure(load_torsion_prior(WEIGHTS), "CCCC")


def test_information_is_that_of_laws_that_can_be_written_down():
    free = torch.outer(torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.2, 0.7]))
    bound = torch.diag(torch.tensor([0.5, 0.3, 0.2]))
    entropy = -(bound.diagonal() * bound.diagonal().log()).sum()
    torch.testing.assert_close(
        mutual_information(torch.stack([free, bound])), torch.tensor([0.0, entropy]), atol=1e-6, rtol=0
    )
