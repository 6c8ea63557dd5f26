"""Training a model that mends cheap guesses in few evaluations."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from molediff.core.model import Condition
from molediff.core.objective.local_strain import LocalStrain
from molediff.core.target import Epsilon, Sample, convert
from molediff.training.draw import Batch, repeated
from molediff.training.task import DiffusionTask

_LARGEST_SHOWN = 1000.0  # kcal/mol/Angstrom: what a force counts at most in the value of a loss


@runtime_checkable
class Guessed(Condition, Protocol):
    """A condition that comes with guesses at its samples."""

    @property
    def starts(self) -> Tensor | None:
        """Guesses in data units, turned onto the samples, shape (B, S, N, 3); None where there are none."""


class LocalError(Protocol):
    """How far an estimate y (n, N, 3) of points x (n, N, 3) is off in what is near, shape (n,): `core.LocalStrain`."""

    def __call__(self, y: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor: ...


class Potential(Protocol):
    """Energies (n,) in kcal/mol and forces (n, N, 3) in kcal/mol/Angstrom at places (n, N, 3) in data units of the
    samples of graphs, n / B of each.
    """

    def __call__(self, places: Tensor, graphs: Any) -> tuple[Tensor, Tensor]: ...


class Softening(Protocol):
    """Forces (n, N, 3) at places (n, N, 3) in data units of the samples of graphs, n / B of each, as they are learned
    from.
    """

    def __call__(self, forces: Tensor, places: Tensor, graphs: Any) -> Tensor: ...


class RefinementTask(DiffusionTask):
    """Denoising where a part of the noise is that which takes a sample to a guess at it.

    For a sample x_0 and a guess s, turned onto it, both in model units, the noise is

        eps = (s - x_0) exp(start_lambda),

    so that x_t with lambda = start_lambda is alpha s: what a sampler begins with. The model learns to find x_0 from
    there, and from where a jump with its own estimate leads, as in sampling (DDIM). Besides, it learns plain denoising.

    Args:
        start_lambda: half log-SNR at which a guess is taken up; it makes the guesses' errors about unit noise.
        jump: least and largest rise of lambda of the jump, between which it is uniform.
        num_jumps: guesses of a sample that are used after a jump, too.
        strain: error of near points, added to the loss of guesses.
        strength: factor of it.
        share_of_square: factor of the usual loss for guesses: the places of far parts cannot be told from them.
        late_lambda: where a guess is also taken up, as the estimate that an evaluation before has led to.
        late_share: of the guesses that are.
        potential: whose energy per atom takes the place of the strain. The minimum that a guess came from cannot be
            told from it, and what is nearest to all that it could be is none; the force on an estimate is known.
        max_force: bound of the forces that are learned from, in kcal/mol/Angstrom.
        softening: what weakens the forces of stiff motions, which else hide those of soft ones.
        energy_strength: factor of the error of the energies that the network tells of its estimates, in differences
            between those of one sample; above 0 it needs a potential and a network with energies.
        **settings: see `DiffusionTask`. Its batches may have guesses, `starts` of the condition (B, S, N, 3) in data
            units, besides which there are `num_draws` draws of plain noise; 0 for none.
    """

    def __init__(
        self,
        *args: Any,
        start_lambda: float = 2.2,
        jump: tuple[float, float] = (0.7, 2.2),
        num_jumps: int = 1,
        strain: LocalError | None = None,
        strength: float = 3.0,
        share_of_square: float = 0.1,
        late_lambda: float = 3.6,
        late_share: float = 0.0,
        potential: Potential | None = None,
        max_force: float = 25.0,
        softening: Softening | None = None,
        energy_strength: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self.start_lambda, self.jump, self.num_jumps = start_lambda, tuple(jump), num_jumps
        self.strain = LocalStrain() if strain is None else strain
        self.strength, self.share_of_square = strength, share_of_square
        self.late_lambda, self.late_share = late_lambda, late_share
        self.potential, self.max_force, self.softening = potential, max_force, softening
        self.energy_strength = energy_strength
        if energy_strength and (potential is None or not self.model.gives_energies):
            raise ValueError(
                "energy_strength above 0 needs a potential to learn energies from and a network that tells them: "
                "refinement.potential= and network.gives_energies=true, or leave it 0."
            )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of the batch: guesses, what a jump makes of them, and plain noise."""
        x_0, graph, mask = batch
        num = x_0.shape[0]
        encoded = self.model.encode(graph)
        x_0 = self.model.from_data(x_0, mask)
        x_t, t = self._of_noise(x_0, mask)
        losses, num_jumped = [], 0
        starts = graph.starts if isinstance(graph, Guessed) else None
        if starts is not None:
            guesses = self.model.from_data(starts.flatten(0, 1), repeated(mask, starts.shape[1]))
            loss, jumped, after = self._of_guesses(guesses, x_0, graph, encoded, mask)
            losses.append(loss)
            x_t, t, num_jumped = torch.cat([jumped, x_t], 1), torch.cat([after, t], 1), jumped.shape[1]
        if x_t.shape[1]:
            losses.append(self._losses(x_t, t, num_jumped, x_0, graph, encoded, mask)[0])
        if not losses:
            raise ValueError(
                "There is nothing to learn from: num_starts of the data and num_draws are both 0, one must be above."
            )
        return self.counted(torch.cat(losses).mean(), num)

    def _of_noise(self, x_0: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """States (B, k, N, 3) and times (B, k) of `num_draws` draws of plain noise."""
        num, draws = x_0.shape[0], self.num_draws
        if not draws:
            return x_0.new_zeros(num, 0, *x_0.shape[1:]), x_0.new_zeros(num, 0)
        t = self.drawn(lambda n: self.objective.sample_times(n, self.generator, self.device), num * draws)
        eps = self._unit((num * draws, *x_0.shape[1:]), repeated(mask, draws))
        x_t = self.objective.path.noised(x_0.repeat_interleave(draws, dim=0), eps, t)
        return x_t.unflatten(0, (num, draws)), t.unflatten(0, (num, draws))

    def _of_guesses(
        self, guesses: Tensor, x_0: Tensor, graph: Any, encoded: Any, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Losses at the start, and the states (B, k, N, 3) and times (B, k) after the jumps of some of them."""
        path, num = self.model.path, len(x_0)
        guesses = guesses.unflatten(0, (num, -1))
        copies = guesses.shape[1]
        lambda_s = torch.full((num, copies), self.start_lambda, device=x_0.device)
        if self.late_share:
            lambda_s[self._uniform(num, copies) < self.late_share] = self.late_lambda
        eps = (guesses - x_0.unsqueeze(1)) * lambda_s.exp()[..., None, None]
        t = path.t_of_lambda(lambda_s.double()).to(x_0)
        x_t = path.noised(x_0.repeat_interleave(copies, dim=0), eps.flatten(0, 1), t.flatten()).unflatten(
            0, (num, -1)
        )
        losses, estimate = self._losses(x_t, t, copies, x_0, graph, encoded, mask)
        estimate, x_t, t, lambda_s = (one[:, : self.num_jumps] for one in (estimate, x_t, t, lambda_s))
        least, most = self.jump
        rise = least + (most - least) * self._uniform(*t.shape)
        after = path.t_of_lambda((lambda_s + rise).double()).to(x_0)
        eps_hat = convert(estimate.flatten(0, 1), x_t.flatten(0, 1), t.flatten(), path, Sample(), Epsilon())
        jumped = path.noised(estimate.flatten(0, 1), eps_hat, after.flatten())
        return losses, jumped.unflatten(0, (num, -1)), after

    def _losses(
        self,
        x_t: Tensor,
        t: Tensor,
        num_guesses: int,
        x_0: Tensor,
        graph: Any,
        encoded: Any,
        mask: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Losses (B k,) at states (B, k, N, 3) and times (B, k), of guesses the first `num_guesses`, the
        others of plain noise, and the estimates of x_0 there, without gradient.
        """
        path, copies = self.model.path, x_t.shape[1]
        x_t, t, x_0 = x_t.flatten(0, 1), t.flatten(), x_0.repeat_interleave(copies, dim=0)
        masks = repeated(mask, copies)
        encoded, energies = encoded.repeat(copies), None
        if self.energy_strength:
            pred, energies = self.model.predict_with_energies(x_t, t, encoded)
            energies = energies.unflatten(0, (-1, copies))[:, :num_guesses]
        else:
            pred = self.model.predict(x_t, t, encoded)
        eps = convert(x_0, x_t, t, path, Sample(), Epsilon())
        losses = self.objective.loss(pred, x_0, eps, t, masks).unflatten(0, (-1, copies))
        estimate, x_0 = (
            one.unflatten(0, (-1, copies))
            for one in (convert(pred, x_t, t, path, self.model.target, Sample()), x_0)
        )
        if num_guesses:
            of_guesses = estimate[:, :num_guesses]
            strain, known = self._strain(of_guesses, x_0[:, :num_guesses], graph, mask)
            strained = self.share_of_square * losses[:, :num_guesses] + self.strength * strain
            if energies is not None and known is not None:
                error = error_of_differences(energies, known)
                strained = strained + self.energy_strength * error.unsqueeze(1)
            losses = torch.cat([strained, losses[:, num_guesses:]], dim=1)
        return losses.flatten(), estimate.detach()

    def _strain(
        self, estimate: Tensor, x_0: Tensor, graph: Any, mask: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Of estimates (B, k, N, 3) of x_0, per atom, shape (B, k); with a potential what has the slope of its energy,
        and is the mean size of its forces, and these energies, (B, k).
        """
        num, copies = estimate.shape[:2]
        if self.potential is None:
            strain = self.strain(estimate.flatten(0, 1), x_0.flatten(0, 1), repeated(mask, copies))
            return strain.unflatten(0, (num, copies)), None
        places = estimate * self.model.scale
        with torch.no_grad():
            known, forces = self.potential(places.detach().flatten(0, 1), graph)
            forces = forces.view_as(places)
            size = forces.norm(dim=-1, keepdim=True)
            forces = forces * (self.max_force / size.clamp(min=self.max_force))
            forces = torch.where(forces.isfinite(), forces, 0.0)
            value = size.squeeze(-1).nan_to_num().clamp(max=_LARGEST_SHOWN).sum(2)
            if self.softening is not None:
                forces = self.softening(forces.flatten(0, 1), places.flatten(0, 1), graph).view_as(places)
        num_atoms = estimate.shape[2] if mask is None else mask.sum(1).unsqueeze(1)
        strain = (value - (forces * (places - places.detach())).sum((2, 3))) / num_atoms
        return strain, known.view_as(strain)

    def _unit(self, shape: tuple[int, ...], mask: Tensor | None) -> Tensor:
        """Unit noise of the model's space, drawn on the CPU so that a seed means the same on every device."""
        eps = self.drawn(lambda n: torch.randn((n, *shape[1:]), generator=self.generator), shape[0])
        eps = eps.to(self.device, non_blocking=True)
        return self.model.space.project(eps, mask)

    def _uniform(self, *shape: int) -> Tensor:
        uniform = self.drawn(lambda n: torch.rand((n, *shape[1:]), generator=self.generator), shape[0])
        return uniform.to(self.device)


def error_of_differences(energies: Tensor, known: Tensor, most: float = 40.0) -> Tensor:
    """Mean error of the differences between k energies of each of B samples, (B, k) -> (B,), Huber's, which is square
    up to 1 kcal/mol; zero where no difference counts.

    Args:
        energies: estimates, in kcal/mol.
        known: what they should be but for a constant of each sample; what is not finite does not count.
        most: differences larger than this do not count: no one asks how high what is high lies. Ions fold, and
            between their conformers 30 kcal/mol are nothing rare.
    """
    known = torch.where(known.isfinite(), known, torch.nan)
    difference = energies.unsqueeze(1) - energies.unsqueeze(2)
    wanted = (known.unsqueeze(1) - known.unsqueeze(2)).to(difference)
    counts = wanted.abs() <= most  # not so where it is NaN
    errors = nn.functional.smooth_l1_loss(difference, wanted.nan_to_num(), reduction="none")
    num_pairs = counts.sum((1, 2)) - counts.diagonal(dim1=1, dim2=2).sum(1)  # none of one with itself
    return torch.where(counts, errors, 0.0).sum((1, 2)) / num_pairs.clamp(min=1)
