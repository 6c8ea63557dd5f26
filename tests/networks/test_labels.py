"""Class labels as a condition."""

import torch

from molediff.networks.labels import Labels


def test_repeat_keeps_the_draws_of_a_sample_together():
    assert Labels(torch.tensor([4, 7])).repeat(3).index.tolist() == [4, 4, 4, 7, 7, 7]


def test_dropped_labels_become_none():
    labels = Labels(torch.tensor([4, 7, 9])).without(torch.tensor([False, True, False]))
    assert labels.index.tolist() == [4, Labels.NONE, 9]
    assert Labels.of(None, 2).index.tolist() == [Labels.NONE] * 2
    assert Labels.of(3, 2).index.tolist() == [3, 3]
    assert len(labels) == 3
