"""Training with a network compiled by torch."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from molediff.training.task import DiffusionTask


class CompiledNetwork(Callback):
    """Compiles the network for the training steps, once a shape of the batch; validation runs it as it is written.

    The compilation takes minutes of one core and a C++ compiler. It is worth them where many small operations on
    tensors of one shape cost more than the matrix products: choose a batch size that divides the number of samples.

    Args:
        backend: of `torch.compile`.
    """

    def __init__(self, backend: str = "inductor") -> None:
        self.backend = backend

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compile at the first step."""
        if not isinstance(pl_module, DiffusionTask):
            raise TypeError(f"only a DiffusionTask has a network to compile, got {type(pl_module).__name__}")
        pl_module.model.network.compile(backend=self.backend, dynamic=False)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Other shapes, without gradients, are not worth a compilation."""
        torch.compiler.set_stance("force_eager")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go on with the compiled network."""
        torch.compiler.set_stance("default")

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave torch as it was, also after a validation that was interrupted."""
        torch.compiler.set_stance("default")
