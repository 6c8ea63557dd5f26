"""scikit-learn's digits and their split."""

import hashlib

import numpy as np
import pytest

from molediff.images.dataset import ImageSet, split_evenly
from molediff.images.digits import load_digits


def test_parts_are_fixed_disjoint_and_hold_every_class_alike():
    splits = load_digits()
    parts = (splits.train, splits.val, splits.test)
    assert [len(part) for part in parts] == [1197, 200, 400]
    for part in parts:
        assert np.abs(np.bincount(part.labels) / len(part) - 0.1).max() < 0.01
    rows = [{image.tobytes() for image in part.levels} for part in parts]
    assert not rows[0] & rows[2]
    assert not rows[0] & rows[1]
    assert not rows[1] & rows[2]
    # Recorded: whoever changes the split changes what every published figure means.
    assert hashlib.sha256(splits.test.levels.tobytes()).hexdigest()[:16] == "59a1641264355144"


def test_enlarged_digits_are_the_same_digits_in_the_same_parts():
    small, large = load_digits(), load_digits(32)
    assert large.test.levels.shape == (400, 32, 32, 1)
    assert large.test.num_levels == 256
    assert (small.test.labels == large.test.labels).all()
    shrunk = large.test.images.reshape(400, 8, 4, 8, 4).mean((2, 4))
    correlation = np.corrcoef(shrunk.ravel(), small.test.images.ravel())[0, 1]
    assert correlation > 0.98


def test_digits_are_not_made_smaller():
    with pytest.raises(ValueError, match="8 x 8 pixels, size=4"):
        load_digits(4)


def test_split_keeps_rare_classes_in_every_part():
    labels = np.array([0] * 90 + [1] * 10)
    images = ImageSet(np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1), labels, class_names=("a", "b"))
    train, val, test = split_evenly(images, 20, 30)
    assert [int((part.labels == 1).sum()) for part in (train, val, test)] == [5, 2, 3]
    with pytest.raises(ValueError, match="100 images cannot give 50 for validation, 50 for tests"):
        split_evenly(images, 50, 50)
