"""MMFF94s of many conformers of one molecule at once: energies and forces.

Stretches, bends and torsions are functions of a few lines between atoms. What a term pulls at a line it pulls at the
atoms of its two ends, in opposite directions.

Source: Halgren 1996, MMFF I (the functional form, equations 2 to 8).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from molediff.molecules.energies.mmff_terms import MMFFTerms

MDYN = 143.9325
"""kcal/mol in one mdyn A."""
_CUBIC_STRETCH = -2.0  # 1/A
_QUARTIC_STRETCH = 7 / 12 * _CUBIC_STRETCH**2
_CUBIC_BEND = -0.4  # 1/rad
_STRETCH_BEND = 2.51210 * 180 / torch.pi  # kcal/mol A^-1 rad^-1
_BUFFER_R, _BUFFER_R7 = 0.07, 0.12
_ELECTRIC_BUFFER = 0.05  # A
_LEAST_SINE = 0.03  # that is divided by, of angles next to straight ones
_LEAST_SQUARE = 1e-2  # A^2, between atoms of a pair


class Term(NamedTuple):
    """One kind of term, of T coordinates which are functions of k lines each.

    Attributes:
        energy: of all of them, shape (n,).
        gradient: by each of the k lines, shape (T, 3, n).
        slopes: of the coordinates by each of the lines, shape (T, 3, n).
    """

    energy: Tensor
    gradient: tuple[Tensor, ...]
    slopes: tuple[Tensor, ...]


class MMFFField:
    """Energies and forces of n conformers.

    Args:
        terms: of the molecule, on the device and in the precision in which to calculate.
        num_atoms: N.
    """

    def __init__(self, terms: MMFFTerms, num_atoms: int):
        self.terms, self.num_atoms = terms, num_atoms
        bonds, angles, planes, torsions = terms.bonds, terms.angles, terms.planes, terms.torsions
        tails = [bonds[:, 1], angles[:, 1], angles[:, 1], *(planes[:, 1],) * 3, *torsions[:, :3].unbind(1)]
        heads = [bonds[:, 0], *angles[:, [0, 2]].unbind(1), *planes[:, [0, 2, 3]].unbind(1)]
        heads += torsions[:, 1:].unbind(1)
        self._sizes = [len(tail) for tail in tails]
        self._tail, self._head = torch.cat(tails), torch.cat(heads)
        like, lines = terms.bond_parameters, torch.arange(len(self._tail), device=self._tail.device)
        self._pulled = like.new_zeros(num_atoms, len(lines))
        self._pulled[self._tail, lines] = 1.0
        self._pulled[self._head, lines] = -1.0
        self.pairs = Pairs(terms.pairs, terms.pair_parameters, num_atoms)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (n,) in kcal/mol and forces (n, N, 3) in kcal/mol/A at x (n, N, 3) in Angstrom."""
        energy, forces = self.pairs(x)
        bonded = self.bonded(x)
        gradient = torch.cat([part for term in bonded for part in term.gradient])
        on_atoms = (self._pulled @ gradient.flatten(1)).view(self.num_atoms, 3, len(x))
        return sum((term.energy for term in bonded), energy), forces + on_atoms.permute(2, 0, 1)

    def bonded(self, x: Tensor) -> list[Term]:
        """Stretches, bends, bends out of planes and torsions at x (n, N, 3)."""
        points, terms = x.permute(1, 2, 0).contiguous(), self.terms
        lines = (points[self._head] - points[self._tail]).split(self._sizes)
        bond, a1, a2, p1, p2, p3, t1, t2, t3 = lines
        return [
            _stretch(bond, terms.bond_parameters),
            _bend(a1, a2, terms.angle_parameters),
            _plane(p1, p2, p3, terms.plane_parameters),
            _turn(t1, t2, t3, terms.torsion_parameters),
        ]


class Pairs:
    """Van der Waals and charges, of all atoms with all: pairs that do not count have no depth and no charge."""

    def __init__(self, pairs: Tensor, parameters: Tensor, num_atoms: int):
        size, depth, charge = parameters.unbind(1)
        one, zero = parameters.new_ones(num_atoms, num_atoms), parameters.new_zeros(num_atoms, num_atoms)
        self._inverse_size, self._depth, self._charge, self._apart = one, zero, zero.clone(), one.clone()
        for i, j in (pairs.unbind(1), pairs.flip(1).unbind(1)):
            self._inverse_size[i, j], self._apart[i, j] = 1 / size, 0.0
            self._depth[i, j], self._charge[i, j] = depth, charge
        self._charged = bool((charge != 0).any())

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (n,) and forces (n, N, 3)."""
        x = x - x.mean(1, keepdim=True)
        r = self._distances(x)
        rho = r * self._inverse_size
        near = (rho + _BUFFER_R).reciprocal_()
        rho6 = rho.square().mul_(rho).square_()
        far = (rho6 * rho).add_(_BUFFER_R7).reciprocal_()
        wall = _seventh(near * (1 + _BUFFER_R)).mul_(self._depth)
        well = far * (1 + _BUFFER_R7)
        rest = well - 2
        energy = (wall * rest).sum((1, 2))
        slope = rest.mul_(near).add_(rho6.mul_(far).mul_(well)).mul_(wall).mul_(-7).mul_(self._inverse_size)
        if self._charged:
            close = (r + _ELECTRIC_BUFFER).reciprocal_()
            electric = close * self._charge
            energy = energy + electric.sum((1, 2))
            slope.sub_(electric.mul_(close))
        pull = slope.div_(r)
        return energy / 2, torch.bmm(pull, x) - pull.sum(-1, keepdim=True) * x

    def curvature(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Second derivatives of van der Waals by the distance, at least 0, and three components of its direction, all
        of shape (n, N, N).
        """
        lines = [one[:, :, None] - one[:, None] for one in x.unbind(-1)]
        r = (
            torch.stack([one * one for one in lines])
            .sum(0)
            .clamp_min_(_LEAST_SQUARE)
            .add_(self._apart)
            .sqrt_()
        )
        rho = r * self._inverse_size
        rho2 = rho * rho
        rho6 = rho2 * rho2 * rho2
        near, far = 1 / (rho + _BUFFER_R), 1 / (rho6 * rho + _BUFFER_R7)
        wall, well = _seventh(near * (1 + _BUFFER_R)), far * (1 + _BUFFER_R7)
        slope = -7 * rho6 * far * well
        bend = slope * (6 / rho - 14 * rho6 * far)
        second = wall * (56 * near * near * (well - 2) - 14 * near * slope + bend)
        curvature = (second * (self._depth * self._inverse_size**2)).clamp_min_(0)
        return curvature, tuple(one / r for one in lines)

    def _distances(self, x: Tensor) -> Tensor:
        """Between centred points, (n, N, N); of atoms that make no pair somewhat larger."""
        square = (x * x).sum(-1)
        r = torch.baddbmm(square[:, :, None] + square[:, None], x, x.transpose(1, 2), alpha=-2.0)
        return r.clamp_min_(_LEAST_SQUARE).add_(self._apart).sqrt_()


def _stretch(line: Tensor, parameters: Tensor) -> Term:
    constant, rest = parameters[:, :, None].unbind(1)
    length = _length(line)
    d, half, unit = length - rest, 0.5 * MDYN * constant, line / length[:, None]
    energy = half * d * d * (1 + _CUBIC_STRETCH * d + _QUARTIC_STRETCH * d * d)
    slope = half * d * (2 + 3 * _CUBIC_STRETCH * d + 4 * _QUARTIC_STRETCH * d * d)
    return Term(energy.sum(0), (slope[:, None] * unit,), (unit,))


def _bend(a: Tensor, b: Tensor, parameters: Tensor) -> Term:
    constant, rest, mixed_a, mixed_b, linear, rest_a, rest_b = parameters[:, :, None].unbind(1)
    length_a, length_b = _length(a), _length(b)
    unit_a, unit_b = a / length_a[:, None], b / length_b[:, None]
    cosine = _dot(unit_a, unit_b).clamp(-1.0, 1.0)
    sine = (1 - cosine * cosine).sqrt().clamp_min(_LEAST_SINE)
    d, half = torch.acos(cosine) - rest * (torch.pi / 180), 0.5 * MDYN * constant
    mixed = _STRETCH_BEND * (mixed_a * (length_a - rest_a) + mixed_b * (length_b - rest_b))
    bent = half * d * d * (1 + _CUBIC_BEND * d) + mixed * d
    energy = torch.where(linear > 0, 2 * half * (1 + cosine), bent)
    slope = torch.where(linear > 0, -2 * half * sine, half * d * (2 + 3 * _CUBIC_BEND * d) + mixed)
    by_a = (cosine[:, None] * unit_a - unit_b) / (sine * length_a)[:, None]
    by_b = (cosine[:, None] * unit_b - unit_a) / (sine * length_b)[:, None]
    along = _STRETCH_BEND * d
    gradient_a = slope[:, None] * by_a + (mixed_a * along)[:, None] * unit_a
    gradient_b = slope[:, None] * by_b + (mixed_b * along)[:, None] * unit_b
    return Term(energy.sum(0), (gradient_a, gradient_b), (by_a, by_b))


def _plane(a: Tensor, b: Tensor, c: Tensor, parameters: Tensor) -> Term:
    constant = parameters[:, :1]
    normal, length = _cross(a, b), _length(c)[:, None]
    area = _length(normal)[:, None].clamp_min(_LEAST_SINE)
    up, out = normal / area, c / length
    sine = _dot(up, out).clamp(-1.0, 1.0)
    height, cosine = torch.asin(sine), (1 - sine * sine).sqrt().clamp_min(_LEAST_SINE)
    energy = 0.5 * MDYN * constant * height * height
    by_normal = (out - sine[:, None] * up) / (area * cosine[:, None])
    by_c = (up - sine[:, None] * out) / (length * cosine[:, None])
    slopes = _cross(b, by_normal), _cross(by_normal, a), by_c
    slope = (MDYN * constant * height)[:, None]
    return Term(energy.sum(0), tuple(slope * one for one in slopes), slopes)


def _turn(a: Tensor, b: Tensor, c: Tensor, parameters: Tensor) -> Term:
    v1, v2, v3 = parameters[:, :, None].unbind(1)
    first, second = _cross(a, b), _cross(b, c)
    square_1, square_2 = (_dot(one, one).clamp_min(_LEAST_SINE**2) for one in (first, second))
    square_b = _dot(b, b)
    length_b, scale = square_b.sqrt(), (square_1 * square_2).rsqrt()
    cosine = (_dot(first, second) * scale).clamp(-1.0, 1.0)
    sine = _dot(a, second) * length_b * scale
    energy = 0.5 * (v1 * (1 + cosine) + 2 * v2 * (1 - cosine**2) + v3 * (1 + 4 * cosine**3 - 3 * cosine))
    slope = -0.5 * sine * (v1 - 4 * v2 * cosine + v3 * (12 * cosine**2 - 3))
    by_a = first * (length_b / square_1)[:, None]
    by_c = second * (length_b / square_2)[:, None]
    by_b = -(_dot(a, b) / square_b)[:, None] * by_a - (_dot(c, b) / square_b)[:, None] * by_c
    slopes = by_a, by_b, by_c
    return Term(energy.sum(0), tuple(slope[:, None] * one for one in slopes), slopes)


def _seventh(a: Tensor) -> Tensor:
    return a.square().mul_(a).square_().mul_(a)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    (a1, a2, a3), (b1, b2, b3) = a.unbind(1), b.unbind(1)
    return torch.stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1], 1)


def _length(a: Tensor) -> Tensor:
    return _dot(a, a).sqrt()
