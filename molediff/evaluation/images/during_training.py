"""A grid of images sampled during training: people would rather look than read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from molediff.core.solvers import DPMSolverPP2M, Solver, uniform_lambda, with_final_denoising
from molediff.images.model import Codec
from molediff.images.pixels import to_images
from molediff.networks.labels import Labels
from molediff.sampling.draw import draw, start_noise
from molediff.sampling.seeds import numbered_generators
from molediff.training.optimized import OptimizedTask
from molediff.training.sample_callback import SamplingCallback


class SampledImages(SamplingCallback):
    """Writes a grid of images with one row a class (at most 10), the same noise every time.

    Args:
        folder: where `samples_<step>.png` goes.
        draw: makes a picture of images (n, height, width, channels) and the number of columns
            (`evaluation.image_grid.grid`).
        num_levels: grey levels of the data.
        num_each: images a row.
        every_minutes: least wall time between two grids.
        solver: a solver of `core.solvers`.
        num_steps: its steps.
    """

    def __init__(
        self,
        folder: str | Path,
        draw: Callable[[np.ndarray, int], Image.Image],
        num_levels: int = 256,
        num_each: int = 10,
        every_minutes: float = 5.0,
        solver: Solver | None = None,
        num_steps: int = 12,
    ) -> None:
        super().__init__(every_minutes)
        self.folder = Path(folder)
        self.draw = draw
        self.num_levels = num_levels
        self.num_each = num_each
        self.solver = DPMSolverPP2M() if solver is None else solver
        self.num_steps = num_steps

    @torch.no_grad()
    def look(self, task: OptimizedTask, step: int) -> dict[str, float]:
        """Sample and write the grid, if this step has none yet; there is nothing to log."""
        file = self.folder / f"samples_{step:06d}.png"
        if file.exists():  # at the end of a run the last step is validated twice
            return {}
        model, is_training = task.model, task.training
        network = model.network
        rows = min(network.num_classes, 10) or 4
        index = torch.arange(rows).repeat_interleave(self.num_each)
        labels = Labels(index.to(task.device)) if network.num_classes else None
        generators = numbered_generators(0, range(len(index)))
        times = with_final_denoising(uniform_lambda(model.path, self.num_steps - 1))
        task.eval()
        x_1 = start_noise(model, times, network.sample_shape, generators, device=task.device)
        x_0 = draw(model, self.solver, times, model.denoiser(labels), x_1, generators)
        pixels = x_0 * model.scale
        images = to_images(network.decode(pixels) if isinstance(network, Codec) else pixels, self.num_levels)
        task.train(is_training)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.draw(images, self.num_each).save(file)
        return {}
