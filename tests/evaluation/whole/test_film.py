"""A film of a molecule being made."""

import numpy as np
import pytest
from PIL import Image
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.whole.film import picture_of_grid, write_film
from molediff.molecules.whole.result import NewMolecule
from molediff.sampling.trajectory import Trajectory


def made(with_way=True):
    mol = Chem.AddHs(Chem.MolFromSmiles("CO"))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    x = mol.GetConformer().GetPositions()
    way = np.stack([2.0 * x, 1.5 * x])[:, None]
    states = np.array([[0, 9, 9], [0, 1, 9], [0, 1, 2]], np.int8)
    trajectory = Trajectory(np.array([1.0, 0.5]), way, way)
    return NewMolecule(
        0, "CO", mol, "ok", "", "", 1, states=states if with_way else None, trajectory=trajectory
    )


def test_the_film_shows_every_step_of_graph_and_shape(tmp_path):
    write_film(made(), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        durations = []
        for number in range(film.n_frames):  # equal frames are shown as one, for as long
            film.seek(number)
            durations.append(film.info["duration"])
    assert sum(durations) == (3 + 2) * 120 + 2500


def test_a_molecule_without_its_way_is_refused(tmp_path):
    with pytest.raises(ValueError, match="trajectory=True"):
        write_film(made(with_way=False), tmp_path / "film.gif")


def test_molecules_side_by_side_are_one_drawing():
    assert picture_of_grid(["CCO", "c1ccoc1"]).startswith("<svg")


def test_no_molecules_are_no_picture():
    assert picture_of_grid([]) == ""
