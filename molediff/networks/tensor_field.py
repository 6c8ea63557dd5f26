"""The score network of irreps: the graph trunk of `EquivariantNetwork`, and a tensor-field network as its head.

Atoms carry tensors of every order up to l_max, of both parities, and each block passes them along all pairs by tensor
products with the spherical harmonics of the line between the atoms.
"""

from __future__ import annotations

from typing import Any

import torch
from e3nn import o3
from e3nn.nn import Gate
from torch import Tensor, nn

from molediff.networks.chirality import ChiralMessage
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import GraphBatch
from molediff.networks.head import Encoding, HeadState, add_of_graphs, bounded, of_samples, pair_distances
from molediff.networks.layers import GaussianBasis
from molediff.networks.tensor_product import (
    PAIR_PRODUCTS,
    Linear,
    both_parities,
    eager_code,
    join,
    keep_constants_out,
    tensor_product,
)

# Within about this distance, in the unit of `cutoff`, the direction of a pair shrinks smoothly to nothing: a unit
# vector has no limit where two atoms meet, as noise lets them. A tenth of the shortest bond.
SOFTENING = 0.1

# Messages of all atoms add up; 18 is the mean number of atoms in a QM9 molecule, so that their sum keeps unit size.
MESSAGE_SIZE = 18**-0.5


class TensorFieldNetwork(EquivariantNetwork):
    """E(3)-equivariant network of irreps, with the trunk, the noise level and the running estimate of its base class.

    A tensor-field network (Thomas et al. 2018) in the manner of NequIP (Batzner et al. 2022): channel-wise products of
    the neighbours' features with spherical harmonics, weighted path by path by a network of the distance and the pair;
    self-interactions; gates. On all pairs of a molecule, by e3nn (Geiger and Smidt 2022). Chirality tags enter in each
    block as in `EquivariantNetwork`, times the triple products whose sign they tell: as true scalars and vectors.

    Args:
        node_cardinalities: number of values of each categorical node code.
        pair_cardinalities: number of values of each categorical pair code; empty if there are no node codes.
        length_scale: length of one input unit in the unit of `cutoff` (Angstrom for molecules).
        channels: width of the atom scalars.
        vector_channels: number of tensors of each order and parity that an atom carries.
        message_channels: number of those that an atom sends; time and memory are in proportion to it.
        l_max: highest order of the tensors and of the spherical harmonics.
        pair_channels: width of the pair features.
        num_trunk_blocks: blocks of the graph trunk.
        num_blocks: blocks of the head.
        num_heads: attention heads of the trunk.
        num_basis: radial basis functions.
        cutoff: last centre of the radial basis; beyond it distances are told apart no more, smoothly.
        basis_power: 1 spaces the centres evenly, more crowds them at short distance.
        chiral: whether chirality tags pass messages.
        local_std: as in `EquivariantNetwork`.
        accelerator: what computes the products along pairs: "e3nn", or "cuequivariance", which is for GPUs. The weights
            are the same.

    Raises:
        ValueError: an argument is out of its range.
        ImportError: the accelerator is not installed.
    """

    def __init__(
        self,
        node_cardinalities: tuple[int, ...] = (),
        pair_cardinalities: tuple[int, ...] = (),
        length_scale: float = 1.0,
        channels: int = 192,
        vector_channels: int = 32,
        message_channels: int = 16,
        l_max: int = 1,
        pair_channels: int = 64,
        num_trunk_blocks: int = 4,
        num_blocks: int = 4,
        num_heads: int = 8,
        num_basis: int = 32,
        cutoff: float = 10.0,
        basis_power: float = 1.6,
        chiral: bool = True,
        local_std: float | None = None,
        accelerator: str = "e3nn",
    ):
        if l_max < 1:
            raise ValueError(f"l_max must be at least 1, since forces are vectors; got {l_max}.")
        if accelerator not in PAIR_PRODUCTS:
            raise ValueError(f"accelerator is one of {', '.join(PAIR_PRODUCTS)}; got {accelerator!r}.")
        super().__init__(
            node_cardinalities,
            pair_cardinalities,
            length_scale,
            channels,
            vector_channels=0,  # the base class begins with no vectors, and so do the blocks
            pair_channels=pair_channels,
            num_trunk_blocks=num_trunk_blocks,
            num_blocks=0,
            num_heads=num_heads,
            num_basis=num_basis,
            cutoff=cutoff,
            basis_power=basis_power,
            local_std=local_std,
        )
        self.blocks = nn.ModuleList(
            TensorFieldBlock(
                channels,
                vector_channels,
                message_channels,
                l_max,
                pair_channels,
                num_basis,
                first=i == 0,
                knows_pairs=i > 0 or self.trunk is not None,
                chiral=chiral,
                accelerator=accelerator,
            )
            for i in range(num_blocks)
        )

    def forward(
        self,
        x: Tensor,
        lambda_: Tensor,
        condition: GraphBatch | Encoding | None = None,
    ) -> Tensor:
        """As in `EquivariantNetwork`, in three dimensions.

        Raises:
            ValueError: the points are not of three dimensions.
        """
        if x.shape[-1] != 3:
            raise ValueError(
                f"A tensor-field network is for points in space, (n, N, 3); got {tuple(x.shape)}."
            )
        return super().forward(x, lambda_, condition)


class TensorFieldBlock(nn.Module):
    """One step of the learned relaxation: messages, what the tags say of them, and the atom's own thoughts.

    In the state of this head `vectors` are the flattened irreps of an atom from 0o on, shape (n, N, D).
    """

    def __init__(
        self,
        channels: int,
        vector_channels: int,
        message_channels: int,
        l_max: int,
        pair_channels: int,
        num_basis: int,
        first: bool,
        knows_pairs: bool = True,
        chiral: bool = True,
        accelerator: str = "e3nn",
    ):
        super().__init__()
        self.first = first
        scalars = o3.Irreps([(channels, "0e")])
        tensors = both_parities(vector_channels, l_max, least="0o")
        harmonics = o3.Irreps.spherical_harmonics(l_max)
        sent = both_parities(message_channels, l_max)
        if first:  # where atoms carry no tensors yet, there are none to send
            sent = sent[:1]
        self.widths = [channels, tensors.dim]
        self.polar = tensors.slices()[1]  # the vectors, 1o

        self.norm = nn.LayerNorm(channels)
        self.film = nn.Linear(channels, 2 * channels)
        self.pair_ends = nn.Linear(channels, 2 * pair_channels)
        self.pair_radial = nn.Linear(num_basis, pair_channels, bias=False)
        self.pair_mix = nn.Linear(pair_channels, pair_channels, bias=False) if knows_pairs else None
        self.send = Linear(scalars if first else join(scalars, tensors), sent)
        with eager_code():
            self.harmonics = o3.SphericalHarmonics(harmonics, normalize=False, normalization="component")
        self.product = PAIR_PRODUCTS[accelerator](sent, harmonics)
        self.path_weights = nn.Linear(pair_channels, self.product.num_weights)
        self.receive = Linear(self.product.irreps_out, join(scalars, tensors))
        self.chiral = ChiralMessage(channels, vector_channels) if chiral else None

        self.partner = Linear(tensors, tensors)
        self.square = tensor_product(tensors, tensors, "uuu", weighted=False)
        self.update_norm = nn.LayerNorm(channels)
        self.gate = _gate(2 * channels, tensors)
        self.mix = Linear(join(scalars, tensors, self.square.irreps_out), self.gate.irreps_in, biases=True)
        self.update = Linear(self.gate.irreps_out, join(scalars, tensors))
        # Begins by moving atoms little.
        self.displace = Linear(join(self.product.irreps_out, tensors), o3.Irreps("1o"), size=0.1)
        keep_constants_out(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Keep the constants out of a copy too, for which the code that holds them is made anew."""
        super().__setstate__(state)
        keep_constants_out(self)

    def forward(
        self, state: HeadState, noise_level: Tensor, basis: GaussianBasis, code: Encoding, bias: Tensor | None
    ) -> Tensor:
        """Update the state in place of its fields and return a displacement, (n, N, 3); `bias` is for attention."""
        state.scalars = of_samples(state.scalars, len(state.positions))
        scale, shift = self.film(noise_level).chunk(2, dim=-1)
        h = self.norm(state.scalars) * (1 + scale) + shift
        messages = self._messages(h, state, basis, code)
        scalars, tensors = self.receive(messages).split(self.widths, dim=-1)
        scalars = state.scalars + scalars
        tensors = _bounded(tensors if self.first else state.vectors + tensors)
        if self.chiral is not None and len(code.chiral_sign):
            scalars, tensors = self._twisted(h, scalars, tensors, state.positions, code)
        tensors = _bounded(
            tensors
        )  # also without stereocentres: what others in the batch have must not matter

        squares = self.square(tensors, self.partner(tensors).to(tensors.dtype))
        thoughts = self.gate(self.mix(torch.cat([self.update_norm(scalars), tensors, squares], dim=-1)))
        delta, turned = self.update(thoughts).split(self.widths, dim=-1)
        state.scalars, state.vectors = scalars + delta, _bounded(tensors + turned)
        # In full precision: the displacement adds up over blocks and must resolve hundredths of an Angstrom.
        with torch.autocast(messages.device.type, enabled=False):
            return self.displace(torch.cat([messages, state.vectors.to(messages.dtype)], dim=-1))

    def _messages(self, h: Tensor, state: HeadState, basis: GaussianBasis, code: Encoding) -> Tensor:
        """What every atom gets from all atoms, (n, N, product.irreps_out.dim), in the type of the positions."""
        distances = pair_distances(state.positions)
        start, end = self.pair_ends(h).chunk(2, dim=-1)
        hidden = self.pair_radial(basis(distances)) + start.unsqueeze(2) + end.unsqueeze(1)
        if state.pairs is not None and self.pair_mix is not None:
            hidden = hidden + self.pair_mix(state.pairs)
        if code.shares_pairs and self.pair_mix is not None:
            add_of_graphs(hidden, self.pair_mix(code.pairs))
        hidden = nn.functional.silu(hidden)
        state.pairs = hidden if state.pairs is None else state.pairs + hidden
        weights = self.path_weights(hidden) * MESSAGE_SIZE
        if code.padded:
            weights = weights * code.mask[:, None, :, None].to(weights.dtype)
        sent = self.send(h if self.first else torch.cat([h, state.vectors], dim=-1))
        with torch.autocast(h.device.type, enabled=False):
            difference = state.positions.unsqueeze(1) - state.positions.unsqueeze(2)  # from i to j
            direction = difference / (distances.square() + SOFTENING**2).sqrt().unsqueeze(-1)
            dtype = state.positions.dtype
            messages: Tensor = self.product(sent.to(dtype), self.harmonics(direction), weights.to(dtype))
        return messages

    def _twisted(
        self, h: Tensor, scalars: Tensor, tensors: Tensor, positions: Tensor, code: Encoding
    ) -> tuple[Tensor, Tensor]:
        """The scalars and the tensors with the messages of the chirality tags added (vectors get the latter)."""
        assert self.chiral is not None
        vectors = tensors[..., self.polar].unflatten(-1, (-1, 3))  # (n, N, vector_channels, 3)
        twist = self.chiral(h, vectors.transpose(2, 3), positions, code.chiral_index, code.chiral_sign)
        turned = (vectors + twist[1].transpose(2, 3)).flatten(2)
        before, after = tensors[..., : self.polar.start], tensors[..., self.polar.stop :]
        return scalars + twist[0], torch.cat([before, turned, after], dim=-1)


def _gate(num_scalars: int, tensors: o3.Irreps) -> Gate:
    """Scalars through SiLU, pseudoscalars through tanh, each higher tensor times the sigmoid of a scalar of its own."""
    pseudoscalars, higher = tensors[:1], tensors[1:]
    with eager_code():
        return Gate(
            o3.Irreps([(num_scalars, "0e")]) + pseudoscalars,
            [nn.functional.silu, torch.tanh],
            o3.Irreps([(higher.num_irreps, "0e")]),
            [torch.sigmoid],
            higher,
        )


def _bounded(tensors: Tensor) -> Tensor:
    """Shrink the tensors (n, N, D) of an atom to a root mean square below 1; short ones stay as they are."""
    return bounded(tensors.unsqueeze(2)).squeeze(2)
