"""A network for larger molecules: all pairs of heavy atoms, hydrogens that see what is near, and turns about bonds.

Half of the atoms of an organic molecule are hydrogens, and so are three quarters of its pairs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from molediff.networks.chirality import ChiralMessage
from molediff.networks.contacts import Contacts
from molediff.networks.energy import EnergyHead
from molediff.networks.graph import GraphBatch
from molediff.networks.head import Encoding, GeometricBlock, HeadState, bounded, centre, of_samples
from molediff.networks.heavy_encoding import HeavyEncoding
from molediff.networks.hydrogens import HydrogenBlock, HydrogenEncoder, HydrogenState, Split
from molediff.networks.kind import Kind
from molediff.networks.layers import GaussianBasis, NoiseLevelEmbedding, needed, softmax_bias
from molediff.networks.products import Linear
from molediff.networks.trunk import GraphTrunk
from molediff.networks.turns import TurnHead, Turns


class HeavyAtomNetwork(nn.Module):
    """E(3)-equivariant network on all pairs of heavy atoms and on hydrogens with what is near them.

    What `EquivariantNetwork` does for all atoms, its blocks do here for the heavy ones. Before each of them a hydrogen
    block passes messages between hydrogens and the atoms within three bonds of them or, if asked, near them in space;
    after the last ones bonds are turned, if asked: moving atoms one by one does not find what moves many together.
    Equivariance, meaning of input and output and of the arguments are those of `EquivariantNetwork`.

    Args:
        node_cardinalities: number of values of each categorical node code.
        pair_cardinalities: number of values of each categorical pair code.
        length_scale: length of one input unit in the unit of `cutoff` (Angstrom for molecules).
        channels: width of the scalars of heavy atoms.
        vector_channels: number of vectors that a heavy atom carries.
        pair_channels: width of the features of pairs and of hydrogens' edges.
        hydrogen_channels: width of the scalars of hydrogens.
        num_trunk_blocks: blocks of the graph trunk.
        num_blocks: blocks of the geometric head.
        num_heads: attention heads of both.
        num_basis: radial basis functions.
        cutoff: last centre of the radial basis; beyond it distances are told apart no more, smoothly.
        basis_power: 1 spaces the centres evenly, more crowds them at short distance.
        local_std: see `EquivariantNetwork`.
        gives_energies: whether it also tells energies of its estimates (`with_energies`).
        contact_reach: up to which distance in the input, in the unit of `cutoff`, hydrogens also see what is more than
            three bonds away; None for not at all. A GPU is waited for until it has found it.
        num_turns: after how many of the last blocks bonds are turned.
    """

    kind: Kind = "conformers"
    additions, omissions = ("energy.", "turn_heads.", ".contacts."), ("energy.",)
    """Parts of the names of parameters that weights may lack when a training begins with them, since these begin with
    nothing, and that they may have in vain: nothing else hangs on energies.
    """

    def __init__(
        self,
        node_cardinalities: tuple[int, ...],
        pair_cardinalities: tuple[int, ...],
        length_scale: float = 1.0,
        channels: int = 128,
        vector_channels: int = 32,
        pair_channels: int = 64,
        hydrogen_channels: int = 64,
        num_trunk_blocks: int = 3,
        num_blocks: int = 4,
        num_heads: int = 8,
        num_basis: int = 32,
        cutoff: float = 12.0,
        basis_power: float = 1.6,
        local_std: float | None = None,
        gives_energies: bool = False,
        contact_reach: float | None = None,
        num_turns: int = 0,
    ):
        super().__init__()
        if local_std is not None and not local_std > 0:
            raise ValueError(f"local_std is a length and must be positive, or None; got {local_std}.")
        if contact_reach is not None and not contact_reach > 0:
            raise ValueError(f"contact_reach is a length and must be positive, or None; got {contact_reach}.")
        if not 0 <= num_turns <= num_blocks:
            raise ValueError(f"num_turns must be from 0 to the {num_blocks} blocks; got {num_turns}.")
        self.node_cardinalities = tuple(node_cardinalities)
        self.length_scale = length_scale
        self.vector_channels = vector_channels
        self.local_std = local_std
        self.gives_energies = gives_energies
        self.contact_reach = contact_reach
        self.trunk = GraphTrunk(
            tuple(node_cardinalities),
            tuple(pair_cardinalities),
            channels,
            pair_channels,
            num_trunk_blocks,
            num_heads,
        )
        self.hydrogen_encoder = HydrogenEncoder(
            tuple(pair_cardinalities), channels, hydrogen_channels, pair_channels
        )
        self.noise_embedding = NoiseLevelEmbedding(channels)
        self.hydrogen_noise = Linear(channels, hydrogen_channels)
        self.basis = GaussianBasis(num_basis, cutoff, basis_power)
        self.blocks = nn.ModuleList(
            GeometricBlock(
                channels,
                vector_channels,
                pair_channels,
                num_heads,
                num_basis,
                first=i == 0,
                chiral=False,
                last=i == num_blocks - 1 and not (gives_energies or num_turns),
            )
            for i in range(num_blocks)
        )
        self.hydrogen_blocks = nn.ModuleList(
            HydrogenBlock(
                channels,
                vector_channels,
                pair_channels,
                hydrogen_channels,
                num_basis,
                first=i == 0,
                has_contacts=contact_reach is not None,
            )
            for i in range(num_blocks)
        )
        self.chiral = nn.ModuleList(ChiralMessage(channels, vector_channels) for _ in range(num_blocks))
        self.chiral_to_hydrogen = Linear(vector_channels, 1, bias=False)
        nn.init.normal_(self.chiral_to_hydrogen.weight, std=0.1 * vector_channels**-0.5)
        self.turn_heads = nn.ModuleDict(  # by the block that they come after
            {
                str(i): TurnHead(channels, vector_channels, pair_channels)
                for i in range(num_blocks - num_turns, num_blocks)
            }
        )
        if gives_energies:
            self.energy = EnergyHead(channels, vector_channels, pair_channels, hydrogen_channels, num_basis)

    def encode(self, graph: GraphBatch) -> HeavyEncoding:
        """Run the trunk: everything that depends neither on coordinates nor on the noise level.

        Raises:
            ValueError: there is no graph.
        """
        if graph is None:
            raise ValueError("This network was built for graphs: give a GraphBatch as the condition.")
        split = Split.of(graph)
        padded = needed(split.heavy_mask) is not None
        codes = graph.node_codes.gather(
            1, split.heavy.unsqueeze(-1).expand(-1, -1, graph.node_codes.shape[-1])
        ) * split.heavy_mask.unsqueeze(-1)
        nodes, pairs = self.trunk(codes, split.pair_codes, split.heavy_mask if padded else None)
        hydrogens, edges = self.hydrogen_encoder(nodes, split)
        turns = Turns.of(split, nodes.dtype) if self.turn_heads else None
        none = graph.chiral_index.new_zeros(0, 4)
        num_atoms, num_places = graph.mask.shape[1], split.mask.shape[1]
        graph_of, atom = graph.chiral_index // num_atoms, graph.chiral_index % num_atoms
        return HeavyEncoding(
            heavy=Encoding(nodes, pairs, split.heavy_mask, none, nodes.new_zeros(0), padded),
            hydrogens=hydrogens,
            edges=edges,
            split=split,
            turns=turns,
            mask=graph.mask,
            chiral_index=graph_of * num_places + split.places[graph_of, atom],
            chiral_sign=graph.chiral_sign,
        )

    def forward(
        self, x: Tensor, lambda_: Tensor, condition: GraphBatch | HeavyEncoding | None = None
    ) -> Tensor:
        """Vector output (n, N, 3), zero mean over the atoms of each sample, zero on padding.

        Args:
            x: noisy coordinates of unit variance, shape (n, N, 3).
            lambda_: half log-SNR, shape (n,).
            condition: the graphs or, cheaper, their encoding, for n samples.

        Raises:
            ValueError: there is no condition, or it is that of another number of samples.
        """
        return self._run(x, lambda_, condition, wants_energies=False)[0]

    def with_energies(
        self, x: Tensor, lambda_: Tensor, condition: GraphBatch | HeavyEncoding | None = None
    ) -> tuple[Tensor, Tensor]:
        """The output and the energies, in kcal/mol, of the estimates of x_0 that it means, shape (n,).

        Those of one graph can be compared with each other, and with nothing else.

        Args:
            x, lambda_, condition: see `forward`.

        Raises:
            ValueError: as of `forward`, or the network has no energies.
        """
        if not self.gives_energies:
            raise ValueError("This network tells no energies: build it with gives_energies=True.")
        return self._run(x, lambda_, condition, wants_energies=True)

    def _run(
        self,
        x: Tensor,
        lambda_: Tensor,
        condition: GraphBatch | HeavyEncoding | None,
        wants_energies: bool,
    ) -> tuple[Tensor, Tensor]:
        """`with_energies`, which are none, (0,), where they are not wanted."""
        code = condition if isinstance(condition, HeavyEncoding) else self.encode(condition)  # type: ignore[arg-type]
        if len(code.mask) != len(x):
            raise ValueError(f"The condition is that of {len(code.mask)} samples; got {len(x)}.")
        split, num_heavy = code.split, code.split.heavy.shape[1]
        order = of_samples(split.order, len(x)).unsqueeze(-1).expand(-1, -1, x.shape[-1])
        real = of_samples(split.mask, len(x))
        mask = needed(real)
        x = x.gather(1, order)
        x = x if mask is None else x * mask.unsqueeze(-1)
        alpha = torch.sigmoid(2 * lambda_).sqrt()[:, None, None]
        sigma = torch.sigmoid(-2 * lambda_).sqrt()[:, None, None]
        noise_level = self.noise_embedding(lambda_).unsqueeze(1)
        state = HeadState(
            scalars=of_samples(code.heavy.nodes, len(x)) + noise_level,
            vectors=x.new_zeros(len(x), num_heavy, 3, self.vector_channels),
            pairs=None if code.heavy.shares_pairs else code.heavy.pairs,
            positions=x[:, :num_heavy] * self.length_scale,
        )
        hydrogens = HydrogenState.begin(split, code.hydrogens, code.edges, len(x))
        hydrogens.scalars = hydrogens.scalars + self.hydrogen_noise(noise_level)
        bias = softmax_bias(code.heavy.mask if code.heavy.padded else None, x.dtype)
        size = self._output_size(lambda_)
        places, output = x * self.length_scale, torch.zeros_like(x)
        contacts = self.contact_reach and Contacts.within(self.contact_reach, places, split.far)
        of_blocks = zip(self.blocks, self.hydrogen_blocks, self.chiral, strict=True)
        for i, (block, hydrogen_block, chiral) in enumerate(of_blocks):
            scalars, vectors, moved = hydrogen_block(
                state.scalars, state.vectors, places, hydrogens, self.basis, contacts
            )
            state.scalars, state.vectors = state.scalars + scalars, bounded(state.vectors + vectors)
            moved = moved + self._keep_hands(chiral, state, places, code)
            # Whether or not there are stereocentres: what others in the batch have must not matter.
            state.vectors = bounded(state.vectors)
            of_heavy = block(state, noise_level, self.basis, code.heavy, bias)
            output = output + size * centre(torch.cat([of_heavy, moved], dim=1), mask)
            places = (alpha * x - sigma * output) * self.length_scale
            if str(i) in self.turn_heads and code.turns is not None:
                moved = self.turn_heads[str(i)](state, code.heavy, places, sigma, code.turns)
                output = output - centre(moved, mask) / (sigma * self.length_scale)
                places = places + moved
            state.positions = places[:, :num_heavy]
        read = state, code.heavy, hydrogens, split, places.detach(), self.basis
        energies = self.energy(*read) if wants_energies else x.new_zeros(0)
        back = of_samples(split.places, len(x)).unsqueeze(-1).expand(-1, -1, x.shape[-1])
        return output.gather(1, back) * code.mask.unsqueeze(-1), energies

    def _keep_hands(
        self, chiral: nn.Module, state: HeadState, places: Tensor, code: HeavyEncoding
    ) -> Tensor | float:
        """Messages of the stereocentres to the heavy atoms; those to hydrogens come back as displacements (n, M, 3)."""
        if not len(code.chiral_sign):
            return 0.0
        num_heavy, num_hydrogens = state.scalars.shape[1], places.shape[1] - state.scalars.shape[1]
        # A hydrogen has no vectors of its own; its position is all that a centre sees of it.
        scalars, vectors = chiral(
            nn.functional.pad(state.scalars, (0, 0, 0, num_hydrogens)),
            nn.functional.pad(state.vectors, (0, 0, 0, 0, 0, num_hydrogens)),
            places,
            code.chiral_index,
            code.chiral_sign,
        )
        state.scalars = state.scalars + scalars[:, :num_heavy]
        state.vectors = state.vectors + vectors[:, :num_heavy]
        moved: Tensor = self.chiral_to_hydrogen(vectors[:, num_heavy:]).squeeze(-1)
        return moved

    def _output_size(self, lambda_: Tensor) -> Tensor | float:
        """sigma / sqrt(sigma^2 + alpha^2 local_std^2), shape (n, 1, 1)."""
        if self.local_std is None:
            return 1.0
        return torch.sigmoid(-2 * (lambda_ + math.log(self.local_std))).sqrt()[:, None, None]
