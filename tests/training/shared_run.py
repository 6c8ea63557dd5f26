"""A small training that any number of processes can share; what they find is written to files.

python shared_run.py FOLDER DEVICES ACCUMULATE MAX_STEPS [ckpt_path] [kill|stop]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching, Uniform
from molediff.core.objective.weight import Unweighted
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.molecules.data.datamodule import builtin_datamodule
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES
from molediff.training.clock import Clock
from molediff.training.devices import LostProcessError
from molediff.training.run import train
from molediff.training.task import DiffusionTask


class Watch(Callback):
    """Keeps the gradients and shares of all steps; told to, it kills the second process at step 6, or stops at 4."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.folder, self.kill, self.stop = folder, "kill" in words, "stop" in words
        self.gradients: list[dict[str, torch.Tensor]] = []
        self.sizes: list[list[int]] = []

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        share = pl_module.share
        mine = [0, len(batch[0]), len(batch[0])] if share is None else [share.first, share.stop, share.total]
        self.sizes.append(mine)
        if self.kill and trainer.global_step == 6 and trainer.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.stop and trainer.global_step == 4:
            trainer.should_stop = True

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        found = {name: p.grad.clone() for name, p in pl_module.named_parameters() if p.grad is not None}
        self.gradients.append(found)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        content = {"gradients": self.gradients, "sizes": self.sizes}
        torch.save(content, self.folder / f"seen_{trainer.global_rank}.pt")


def main() -> None:
    torch.set_num_threads(1)
    folder, devices, accumulate, max_steps = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    checkpoint = next((word for word in sys.argv[5:] if word not in ("kill", "stop")), None)
    pl.seed_everything(0, verbose=False)
    path, target = CosineVP(), V()
    network = EquivariantNetwork(
        NODE_CARDINALITIES,
        PAIR_CARDINALITIES,
        channels=16,
        vector_channels=4,
        pair_channels=8,
        num_trunk_blocks=1,
        num_blocks=2,
        num_heads=2,
    )
    model = DiffusionModel(network, path, target, ZeroCentreOfMass(), scale=1.3)
    objective = DenoisingScoreMatching(path, target, Unweighted(target), Uniform())
    task = DiffusionTask(model, objective, Clock(max_steps), num_draws=2, seed=3)
    watch = Watch(folder, sys.argv)
    try:
        train(
            task,
            builtin_datamodule(batch_size=5),
            folder,
            checkpoint,
            device="cpu",
            precision="32-true",
            log_steps=1,
            checkpoint_minutes=0,
            callbacks=(watch,),
            devices=devices,
            accumulate=accumulate,
        )
    except LostProcessError as error:
        print(f"lost: {error}", flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
