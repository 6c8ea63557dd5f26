"""Training of diffusion models with Lightning: one task for every domain."""

from typing import TYPE_CHECKING

from molediff.runtime.extras import require
from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.training.autoencoding import AutoencoderTask as AutoencoderTask
    from molediff.training.clipping import FixedClipping as FixedClipping
    from molediff.training.clipping import NoiseLevelClipping as NoiseLevelClipping
    from molediff.training.clock import Clock as Clock
    from molediff.training.distillation import DistillationTask as DistillationTask
    from molediff.training.mixture import MixtureDataModule as MixtureDataModule
    from molediff.training.optimized import OptimizedTask as OptimizedTask
    from molediff.training.run import train as train
    from molediff.training.sample_callback import SamplingCallback as SamplingCallback
    from molediff.training.schedules import Cosine as Cosine
    from molediff.training.task import DiffusionTask as DiffusionTask

require("pytorch_lightning", "Training")

__getattr__ = lazy_names(
    __name__,
    {
        "AutoencoderTask": "molediff.training.autoencoding",
        "Clock": "molediff.training.clock",
        "Cosine": "molediff.training.schedules",
        "DiffusionTask": "molediff.training.task",
        "DistillationTask": "molediff.training.distillation",
        "FixedClipping": "molediff.training.clipping",
        "MixtureDataModule": "molediff.training.mixture",
        "NoiseLevelClipping": "molediff.training.clipping",
        "OptimizedTask": "molediff.training.optimized",
        "SamplingCallback": "molediff.training.sample_callback",
        "train": "molediff.training.run",
    },
)
