"""Strain of what is near."""

import math

import numpy as np
import pytest
import torch
from rdkit.Chem import rdMolTransforms

from molediff.core import LocalStrain
from molediff.molecules.rotors import Rotors
from tests.fake_generators import embedded


def rotation(seed: int) -> torch.Tensor:
    q = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed)))[0]
    return q * torch.linalg.det(q).sign()


def points(*seeds: int) -> tuple[torch.Tensor, ...]:
    return tuple(torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(seed)) for seed in seeds)


def test_a_bond_by_hand():
    x = torch.tensor([[[0.0, 0, 0], [1.4, 0, 0]]])
    y = torch.tensor([[[0.0, 0, 0], [1.44, 0, 0]]])
    # Each of the two sees the other, at half of the stiffness; the direction is that of the frame.
    bounded = 2 * 0.05**2 * (math.sqrt(1 + 0.8**2) - 1)
    wanted = 1200 / 2 * bounded / 2 + 20 / (1 + (1.4 / 1.6) ** 8) * bounded / 2
    assert float(LocalStrain()(y, x)) == pytest.approx(wanted, rel=1e-3)


def test_nothing_is_lost_by_rigid_motions_but_a_reflection_is_seen():
    (x,) = points(0)
    assert LocalStrain()(x @ rotation(1).T + 5.0, x).max() < 1e-3
    assert LocalStrain()(x * torch.tensor([1.0, 1.0, -1.0]), x).min() > 0.1


def test_a_turn_costs_as_much_whatever_the_lever():
    costs = []
    for smiles in ("CCCC", "CCCCCCCC"):
        mol = embedded(smiles)
        rotors, x = Rotors.of(mol), mol.GetConformer().GetPositions()
        middle = next(
            row for row, bond in enumerate(rotors.bonds.tolist()) if set(bond) == {1, 2}
        )  # one end is an ethyl or a hexyl group
        turned = rotors.turn(x, np.eye(len(rotors.kind))[middle] * 20)
        y, x = (torch.tensor(one)[None].float() for one in (turned, x))
        costs.append(float(LocalStrain()(y, x)) * x.shape[1])
    assert costs[1] < 1.3 * costs[0]


def test_the_first_bend_of_a_plane_costs_much_more_than_its_distances_say():
    mol = embedded("c1ccccc1")
    x = mol.GetConformer().GetPositions()
    flat = x - x.mean(0)
    flat -= np.outer(flat @ np.linalg.svd(flat)[2][2], np.linalg.svd(flat)[2][2])
    bent = flat.copy()
    bent[6] += 0.1 * np.linalg.svd(flat)[2][2]  # a hydrogen out of the plane
    y, x = (torch.tensor(one)[None].float() for one in (bent, flat))
    assert float(LocalStrain()(y, x)) > 3 * float(LocalStrain(bending=0.0)(y, x))


def test_it_goes_up_with_the_stretch_of_a_bond():
    mol = embedded("CC")
    costs = []
    for length in (1.52, 1.54, 1.56):
        stretched = embedded("CC")
        rdMolTransforms.SetBondLength(
            stretched.GetConformer(),
            0,
            1,
            rdMolTransforms.GetBondLength(mol.GetConformer(), 0, 1) + length - 1.5,
        )
        y, x = (torch.tensor(one.GetConformer().GetPositions())[None].float() for one in (stretched, mol))
        costs.append(float(LocalStrain()(y, x)))
    assert costs == sorted(costs)


def test_units_do_not_matter():
    x, y = points(2, 3)
    torch.testing.assert_close(
        LocalStrain(length_scale=2.5)(y / 2.5, x / 2.5), LocalStrain()(y, x), rtol=1e-3, atol=1e-3
    )


def test_padding_does_not_count():
    x, y = (one[:1] for one in points(4, 5))
    mask = torch.tensor([[True] * 5 + [False] * 3])
    padded = (torch.cat([one, torch.ones(1, 3, 3)], 1) for one in (y, x))
    torch.testing.assert_close(LocalStrain()(*padded, mask), LocalStrain()(y, x), rtol=1e-4, atol=1e-4)


def test_the_gradient_is_finite_where_points_coincide():
    y = torch.zeros(2, 5, 3, requires_grad=True)
    LocalStrain()(y, *points(6)).sum().backward()
    assert y.grad is not None
    assert bool(y.grad.isfinite().all())


def test_the_gradient_is_that_of_the_energy_although_the_frames_are_held():
    # The frames are where the energy is least, so that it does not change with them at first order (small errors).
    x = points(7)[0].double()
    y = (x + 0.001 * points(8)[0]).requires_grad_()
    energy = LocalStrain(unit=10.0, stretching=0.0)
    energy(y, x).sum().backward()
    direction = points(9)[0].double()
    ahead, behind = (energy(y.detach() + sign * 1e-5 * direction, x).sum() for sign in (1, -1))
    assert y.grad is not None
    assert float((y.grad * direction).sum()) == pytest.approx(float(ahead - behind) / 2e-5, rel=1e-3)


@pytest.mark.parametrize("wrong", [{"unit": 0.0}, {"bending_reach": -1.0}, {"stretching": -1.0}])
def test_lengths_must_be_positive(wrong: dict):
    with pytest.raises(ValueError, match="positive reaches"):
        LocalStrain(**wrong)
