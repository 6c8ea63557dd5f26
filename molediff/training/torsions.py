"""Training of a prior of torsions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from molediff.networks.torsion_batch import BIN_WIDTH, NUM_BINS, TorsionBatch
from molediff.networks.torsion_prior import TorsionLogits, TorsionPrior
from molediff.training.clock import Clock
from molediff.training.optimized import OptimizedTask

_UNIFORM = math.log(NUM_BINS)


class TorsionPriorTask(OptimizedTask):
    """Cross entropy of the measured torsions, each of them spread over its neighbouring bins.

    Couplings are learned by pseudo-likelihood (Besag 1975): the same of each torsion where the others of its conformer
    are known is added to it.

    Batches are (torsions in degrees and the hands of their ends (T, 3), `TorsionBatch`, None).

    Args:
        model: the prior.
        clock: the bounds of the run.
        spread: standard deviation in degrees by which a measured torsion is spread: crystals are not more exact.
        **settings: of `OptimizedTask`.
    """

    def __init__(self, model: TorsionPrior, clock: Clock, spread: float = 4.0, **settings: Any) -> None:
        super().__init__(model, clock, **settings)
        self.model: TorsionPrior = model
        self.spread = spread
        self._validated: list[Tensor] = []

    def training_step(self, batch: tuple[Tensor, TorsionBatch, None], batch_idx: int) -> Tensor:
        """Mean loss of the torsions of the batch."""
        measured, torsions, _ = batch
        expected = spread_over_bins(measured[:, 0], self.spread)
        logs = log_probabilities(self.model(torsions), measured)
        loss = -torch.stack([(expected * one).sum(-1).mean() for one in logs]).sum()
        return self.counted(loss, torsions.graph.num_graphs)

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self._validated = []

    def validation_step(self, batch: tuple[Tensor, TorsionBatch, None], batch_idx: int) -> None:
        """Log-probabilities of the bin of each torsion, and its source."""
        measured, torsions, _ = batch
        places = bin_of(measured[:, 0])[:, None]
        found = [logs.gather(1, places)[:, 0] for logs in log_probabilities(self.model(torsions), measured)]
        self._validated.append(torch.stack([torsions.source.to(found[0]), *found], dim=1))

    def on_validation_epoch_end(self) -> None:
        """Log the mean of -log p of a bin in nats, and what it gains on a uniform torsion, in crystals and minima.

        With couplings the loss is that of a torsion whose others are known.
        """
        if not self._validated:
            return
        source, *found = torch.cat(self._validated).unbind(1)
        metrics = {"val/loss": -found[-1].mean().item()}
        for number, name in enumerate(("crystals", "minima")):
            for gain, logs in zip(("gain", "gain_given_others"), found, strict=False):
                if bool((source == number).any()):
                    metrics[f"val/{gain}_{name}"] = _UNIFORM + logs[source == number].mean().item()
        self.log_now(metrics)


def log_probabilities(logits: TorsionLogits, measured: Tensor) -> list[Tensor]:
    """Of the bins of each torsion, shape (T, NUM_BINS): by itself and, with couplings, where the others are known.

    Args:
        logits: of the prior.
        measured: degrees and hands, shape (T, 3).
    """
    hands = measured[:, 1:]
    found = [logits.of_hands(hands)]
    if logits.couplings is not None:
        found.append(logits.given_others(measured[:, 0], hands))
    return [one.log_softmax(-1) for one in found]


def bin_of(degrees: Tensor) -> Tensor:
    """Bin of each torsion, from -180 to 180 degrees, int64."""
    return ((degrees + 180) / BIN_WIDTH).long().clamp(0, NUM_BINS - 1)


def spread_over_bins(degrees: Tensor, spread: float) -> Tensor:
    """Probabilities of the bins (T, NUM_BINS) of normals about the torsions (T,), on the circle."""
    edges = torch.linspace(-180, 180, NUM_BINS + 1, device=degrees.device)
    total = degrees.new_zeros(len(degrees), NUM_BINS)
    for turn in (-360, 0, 360):
        below = 0.5 * (1 + torch.erf((edges - turn - degrees[:, None]) / (spread * math.sqrt(2))))
        total = total + below.diff(dim=1)
    return total / total.sum(1, keepdim=True)
