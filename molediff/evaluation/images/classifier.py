"""A small classifier of images, trained by whoever asks for it: a judge of labels, and features for other metrics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

NUM_FEATURES = 64


class Judgement(NamedTuple):
    """What the classifier makes of n images."""

    classes: np.ndarray
    """The likeliest class of each, shape (n,)."""

    features: np.ndarray
    """What its last layer sees, float64 (n, NUM_FEATURES)."""


class ImageClassifier(nn.Module):
    """Convolutions that halve the image down to 4 pixels (above 8 pixels the first does too), and two dense layers.

    Args:
        size: height and width of the images.
        channels: of the images.
        num_classes: number of classes.
    """

    def __init__(self, size: int, channels: int, num_classes: int):
        super().__init__()
        stride = 1 if size <= 8 else 2
        layers: list[nn.Module] = [nn.Conv2d(channels, 32, 1 + 2 * stride, stride, padding=stride), nn.ReLU()]
        width, size = 32, size // stride
        while size > 4:
            layers += [nn.Conv2d(width, 64, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)]
            width, size = 64, size // 2
        self.convolutions = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(NUM_FEATURES), nn.ReLU())
        self.last = nn.Linear(NUM_FEATURES, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, num_classes) of images (n, channels, height, width)."""
        logits: Tensor = self.last(self.convolutions(x))
        return logits

    @torch.no_grad()
    def judge(self, images: np.ndarray) -> Judgement:
        """Classes and features of images (n, height, width, channels) in [0, 1]."""
        features = torch.cat([self.convolutions(part) for part in _as_input(images).split(512)])
        return Judgement(self.last(features).argmax(1).numpy(), features.double().numpy())


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    num_epochs: int = 60,
    batch_size: int = 64,
    seed: int = 0,
) -> ImageClassifier:
    """Train a classifier on the CPU; the same arguments give the same classifier.

    Args:
        images: shape (n, height, width, channels), in [0, 1].
        labels: shape (n,).
        num_classes: number of classes.
        num_epochs: passes through the images; the learning rate falls to zero over them.
        batch_size: images a step.
        seed: of the first weights, the order of the images and their shifts by up to one pixel in eight.
    """
    size, channels = images.shape[1], images.shape[3]
    x, y = _as_input(images), torch.from_numpy(labels).long()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        classifier = ImageClassifier(size, channels, num_classes)
        classifier(x[:1])  # tells the lazy layer its size
        optimizer = torch.optim.AdamW(classifier.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_epochs)
        for _ in range(num_epochs):
            for rows in torch.randperm(len(x)).split(batch_size):
                loss = nn.functional.cross_entropy(classifier(_shifted(x[rows], size // 8)), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            schedule.step()
    return classifier.eval().requires_grad_(False)


def _shifted(x: Tensor, most: int) -> Tensor:
    """Each image moved by at most `most` pixels either way, so that the classifier does not learn places by heart."""
    n, _, size, _ = x.shape
    down, right = torch.randint(-most, most + 1, (2, n, 1))
    rows = (torch.arange(size) + down).clamp(0, size - 1)
    columns = (torch.arange(size) + right).clamp(0, size - 1)
    return x[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def _as_input(images: np.ndarray) -> Tensor:
    return 2 * torch.from_numpy(np.ascontiguousarray(images)).movedim(-1, 1).float() - 1
