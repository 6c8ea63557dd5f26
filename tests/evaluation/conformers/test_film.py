"""The film of a molecule that freezes out of noise."""

from pathlib import Path

import numpy as np
import pytest
from fake_generators import embedded, knowing
from PIL import Image, ImageSequence

from molediff.evaluation.conformers.film import _frames, freezing_strip, write_freezing_animation


def test_frames_begin_with_noise_and_end_with_the_conformer_seen_in_one_frame():
    generator = knowing("CCO")
    result = generator.generate("CCO", num_conformers=2, seed=1, num_steps=5, trajectory=True)
    mol, states, estimates, labels = _frames(result, generator.model.path, conformer=1)
    assert len(states) == len(estimates) == len(labels) == 6
    assert labels[-1] == "conformer"
    truth = embedded("CCO").GetConformer().GetPositions()
    distances = np.linalg.norm(truth[:, None] - truth, axis=-1)
    np.testing.assert_allclose(
        np.linalg.norm(states[-1][:, None] - states[-1], axis=-1), distances, atol=1e-3
    )
    # The network knows the answer, so that its last estimate lies on the conformer.
    np.testing.assert_allclose(estimates[-2], estimates[-1], atol=5e-2)
    assert np.abs(states[0] - states[-1]).max() > 0.5
    assert mol.GetNumAtoms() == states.shape[1]


def test_every_atom_of_every_frame_lies_in_the_window():
    generator = knowing("CCO")
    result = generator.generate("CCO", num_conformers=1, seed=1, num_steps=5, trajectory=True)
    result.trajectory.x_t[0, 0, 0] = [9.0, -1.0, 0.0]  # far out, as noise can be
    _, states, estimates, _ = _frames(result, generator.model.path, conformer=0)
    reach = np.abs(np.concatenate([states, estimates])[..., :2]).max(axis=(0, 1))
    for axes in freezing_strip(result, generator.model.path).axes:
        assert (reach < [axes.get_xlim()[1], axes.get_ylim()[1]]).all()
        assert axes.get_xlim()[0] == -axes.get_xlim()[1]


def test_strip_and_film_are_written(tmp_path: Path):
    generator = knowing("CO")
    result = generator.generate("CO", num_conformers=1, seed=1, num_steps=3, trajectory=True)
    figure = freezing_strip(result, generator.model.path, num_frames=3)
    assert len(figure.axes) == 6
    write_freezing_animation(result, generator.model.path, tmp_path / "a.gif", frames_per_second=2)
    with Image.open(tmp_path / "a.gif") as film:
        frames = [np.asarray(frame.convert("L"), float) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 4  # three steps and the conformer
    assert np.abs(frames[1] - frames[0]).max() > 100


def test_without_a_trajectory_there_is_nothing_to_draw():
    generator = knowing("CO")
    result = generator.generate("CO", num_conformers=1, num_steps=3)
    with pytest.raises(ValueError, match="trajectory=True"):
        freezing_strip(result, generator.model.path)
