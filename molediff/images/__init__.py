"""Images: the reference domain, where everyone can see what is right."""

from typing import TYPE_CHECKING

from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.images.datamodule import ImageDataModule as ImageDataModule
    from molediff.images.datamodule import LatentDataModule as LatentDataModule
    from molediff.images.datamodule import digits_datamodule as digits_datamodule
    from molediff.images.datamodule import images_datamodule as images_datamodule
    from molediff.images.generator import ImageGenerator as ImageGenerator
    from molediff.images.settings import Limits as Limits
    from molediff.images.settings import Sampling as Sampling
    from molediff.images.trajectory import ImageTrajectory as ImageTrajectory

__getattr__ = lazy_names(
    __name__,
    {
        "Film": "molediff.images.trajectory",  # its former name
        "ImageTrajectory": "molediff.images.trajectory",
        "ImageDataModule": "molediff.images.datamodule",
        "ImageGenerator": "molediff.images.generator",
        "Limits": "molediff.images.settings",
        "LatentDataModule": "molediff.images.datamodule",
        "Sampling": "molediff.images.settings",
        "digits_datamodule": "molediff.images.datamodule",
        "images_datamodule": "molediff.images.datamodule",
    },
)
