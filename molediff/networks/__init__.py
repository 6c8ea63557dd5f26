"""Torch modules: equivariant networks, the graph trunk, the U-Net, the autoencoder, and how they are stored."""

from typing import TYPE_CHECKING

from molediff.networks.autoencoder import Autoencoder
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import GraphBatch
from molediff.networks.graph_denoiser import GraphDenoiser
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.latent import LatentNetwork
from molediff.networks.mlp import Perceptron
from molediff.networks.torsion_prior import TorsionPrior
from molediff.networks.unet import UNet
from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.networks.pretrained import load_autoencoder as load_autoencoder
    from molediff.networks.pretrained import load_model as load_model
    from molediff.networks.tensor_field import TensorFieldNetwork as TensorFieldNetwork
    from molediff.networks.weights import load_weights as load_weights
    from molediff.networks.weights import save_weights as save_weights

__all__ = [
    "Autoencoder",
    "EquivariantNetwork",
    "GraphBatch",
    "GraphDenoiser",
    "HeavyAtomNetwork",
    "LatentNetwork",
    "Perceptron",
    "TorsionPrior",
    "UNet",
]

__getattr__ = lazy_names(  # e3nn alone takes seconds to import
    __name__,
    {
        "TensorFieldNetwork": "molediff.networks.tensor_field",
        "load_autoencoder": "molediff.networks.pretrained",
        "load_model": "molediff.networks.pretrained",
        "load_weights": "molediff.networks.weights",
        "save_weights": "molediff.networks.weights",
    },
)
