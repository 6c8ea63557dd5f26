"""Tensor products and linear maps of irreps: e3nn's, so put that they train, save and load as other layers do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import e3nn
import torch
from e3nn import o3
from torch import Tensor, nn


def both_parities(multiplicity: int, l_max: int, least: str = "0e") -> o3.Irreps:
    """`multiplicity` copies of every irrep up to `l_max`, from `least` on.

    Of each l the parity of its spherical harmonic, (-1)^l, comes first: 0e, 0o, 1o, 1e, 2e, 2o, ...
    """
    irreps = [o3.Irrep(order, sign * (-1) ** order) for order in range(l_max + 1) for sign in (1, -1)]
    return o3.Irreps([(multiplicity, irrep) for irrep in irreps[irreps.index(o3.Irrep(least)) :]])


def join(*irreps: o3.Irreps) -> o3.Irreps:
    """The irreps of features that are concatenated in this order."""
    return o3.Irreps([block for part in irreps for block in part]).simplify()


def tensor_product(
    irreps_1: o3.Irreps, irreps_2: o3.Irreps, mode: Literal["uvu", "uuu"], weighted: bool
) -> o3.TensorProduct:
    """Every product of a block of `irreps_1` with one of `irreps_2` whose l is not above all of `irreps_1` and 2.

    Channels are kept apart: each of the first meets each of the second ("uvu", the second has one) or its own ("uuu").

    Args:
        irreps_1: of the first input, blocks of one multiplicity.
        irreps_2: of the second input.
        mode: of the channels, in e3nn's words.
        weighted: whether each path and channel is multiplied with a weight that is given with the inputs.
    """
    paths = [
        (i, j, irrep)
        for i, (_, irrep_1) in enumerate(irreps_1)
        for j, (_, irrep_2) in enumerate(irreps_2)
        for irrep in irrep_1 * irrep_2
        if irrep.l <= max(irreps_1.lmax, irreps_2.lmax)
    ]
    paths.sort(key=lambda path: (path[2].l, path[2].p != (-1) ** path[2].l, path[0], path[1]))
    outputs = o3.Irreps([(irreps_1[i].mul, irrep) for i, _, irrep in paths])
    instructions = [(i, j, k, mode, weighted) for k, (i, j, _) in enumerate(paths)]
    with eager_code(optimized=mode == "uvu"):
        return o3.TensorProduct(
            irreps_1, irreps_2, outputs, instructions, internal_weights=False, shared_weights=False
        )


class Linear(nn.Module):
    """e3nn's linear map with weights of the size that they act with, 1 / sqrt(fan-in), as `nn.Linear` has them.

    e3nn draws them of unit size and scales them in the forward pass, which under Adam makes a layer learn sqrt(fan-in)
    times more slowly than the plain layers beside it.

    Args:
        irreps_in: of the input.
        irreps_out: of the output; what no input can become stays zero.
        size: factor on the first weights.
        biases: whether something is added to true scalars, the only ones it can be added to.
    """

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps, size: float = 1.0, biases: bool = False):
        super().__init__()
        with eager_code():
            self.map = o3.Linear(
                irreps_in, irreps_out, biases=biases, internal_weights=False, shared_weights=True
            )
        gains = [
            torch.full((math.prod(path.path_shape),), 1.0 / path.path_weight)
            for path in self.map.instructions
            if path.i_in >= 0
        ]
        self.register_buffer("gain", torch.cat(gains), persistent=False)
        self.gain: Tensor
        self.weight = nn.Parameter(size * torch.randn_like(self.gain) / self.gain)
        self.bias = nn.Parameter(torch.zeros(self.map.bias_numel)) if biases else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., irreps_in.dim) -> (..., irreps_out.dim)."""
        mapped: Tensor = self.map(x, self.weight * self.gain, self.bias)
        return mapped


class PairProduct(nn.Module):
    """The messages of a tensor-field network (Thomas et al. 2018): sum_j w_ij (h_j x Y(r_ij)), channel by channel.

    Args:
        irreps: of the features h that atoms send.
        harmonics: of the spherical harmonics Y.
    """

    def __init__(self, irreps: o3.Irreps, harmonics: o3.Irreps):
        super().__init__()
        self.product = tensor_product(irreps, harmonics, "uvu", weighted=True)
        self.irreps_out = self.product.irreps_out.simplify()
        self.num_weights: int = self.product.weight_numel

    def forward(self, features: Tensor, harmonics: Tensor, weights: Tensor) -> Tensor:
        """What each atom gets, shape (n, N, irreps_out.dim).

        Args:
            features: of the atoms j that send, shape (n, N, irreps.dim).
            harmonics: Y(r_ij), shape (n, N, N, harmonics.dim).
            weights: w_ij of every path and channel, zero where j is no atom, shape (n, N, N, num_weights).
        """
        messages: Tensor = self.product(features.unsqueeze(1), harmonics, weights)
        return messages.sum(2)


class AcceleratedPairProduct(nn.Module):
    """`PairProduct` by NVIDIA's cuEquivariance: its CUDA kernels where cuequivariance-ops-torch is, else plain torch.

    Raises:
        ImportError: cuequivariance-torch is not installed.
    """

    def __init__(self, irreps: o3.Irreps, harmonics: o3.Irreps):
        super().__init__()
        try:
            import cuequivariance as cue  # type: ignore[import-not-found, unused-ignore]
            import cuequivariance_torch as cuet  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise ImportError(
                f"accelerator=cuequivariance needs a package that is not installed ({error}): "
                "pip install cuequivariance-torch, and cuequivariance-ops-torch-cu12 for its GPU kernels, "
                "or take accelerator=e3nn."
            ) from error
        plain = tensor_product(irreps, harmonics, "uvu", weighted=True)
        wanted = cue.Irreps("O3", str(o3.Irreps([(1, block.ir) for block in plain.irreps_out])))
        self.product = cuet.ChannelWiseTensorProduct(
            cue.Irreps("O3", str(irreps)),
            cue.Irreps("O3", str(harmonics)),
            [block.ir for block in wanted],
            layout=cue.mul_ir,  # e3nn's
            shared_weights=False,
            internal_weights=False,
        )
        if str(self.product.irreps_out) != str(
            plain.irreps_out
        ):  # then the weights would mean something else
            raise ImportError(
                f"This version of cuequivariance-torch orders its outputs as {self.product.irreps_out}, not as "
                f"{plain.irreps_out}: install cuequivariance-torch 0.13, or take accelerator=e3nn."
            )
        self.irreps_out = plain.irreps_out.simplify()
        self.num_weights: int = self.product.weight_numel

    def forward(self, features: Tensor, harmonics: Tensor, weights: Tensor) -> Tensor:
        """As in `PairProduct`."""
        n, num_atoms = features.shape[:2]
        atom = torch.arange(n * num_atoms, device=features.device).view(n, num_atoms)
        grid = (n, num_atoms, num_atoms)
        messages: Tensor = self.product(
            features.flatten(0, 1),
            harmonics.flatten(0, 2),
            weights.flatten(0, 2),
            indices_1=atom.unsqueeze(1).expand(grid).flatten(),
            indices_out=atom.unsqueeze(2).expand(grid).flatten(),
            size_out=n * num_atoms,
        )
        return messages.view(n, num_atoms, -1)


PAIR_PRODUCTS: dict[str, type[PairProduct | AcceleratedPairProduct]] = {
    "e3nn": PairProduct,
    "cuequivariance": AcceleratedPairProduct,
}


@contextmanager
def eager_code(optimized: bool = False) -> Iterator[None]:
    """Inside the context e3nn writes plain torch code.

    Its default with older versions of torch is TorchScript, which stops to optimize at each new shape, and whose
    constants cannot be kept out of a weights file.

    Args:
        optimized: whether it looks for the best order of multiplications. It takes longer than all else in building a
            network, and pays for products along pairs.
    """
    before = e3nn.get_optimization_defaults()
    e3nn.set_optimization_defaults(jit_script_fx=False, optimize_einsums=optimized)
    try:
        yield
    finally:
        e3nn.set_optimization_defaults(**before)


def keep_constants_out(module: nn.Module) -> None:
    """Leave the buffers of `module` out of its state: they follow from its arguments.

    Half precision, in which weights are stored, would also make Clebsch-Gordan coefficients break the symmetry.
    """
    for part in module.modules():
        for name, buffer in list(part.named_buffers(recurse=False)):
            part.register_buffer(name, buffer, persistent=False)
