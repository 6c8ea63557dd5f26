"""Springs that weaken the forces of stiff motions."""

import pytest
import torch
from fake_generators import embedded

from molediff.molecules.energies.softened_forces import SoftenedForces
from molediff.molecules.graph.graph import collate
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.graph.vocabulary import ORGANIC

SMILES = ["CCO", "C[C@H](N)c1ccccc1"]


@pytest.fixture(scope="module")
def structures():
    """A batch of two molecules and two structures of each, (4, N, 3) in double precision."""
    prepared = [prepare(smiles, vocabulary=ORGANIC) for smiles in SMILES]
    batch = collate([one.graph for one in prepared])
    places = torch.zeros(2, 2, batch.mask.shape[1], 3, dtype=torch.float64)
    for row, smiles in enumerate(SMILES):
        x = torch.from_numpy(embedded(smiles).GetConformer().GetPositions())
        places[row, :, : len(x)] = x
        places[row, 1, : len(x)] += 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(row))
    return batch, places.flatten(0, 1)


def energy(places, rest, hops):
    """Of the springs between atoms up to three bonds apart."""
    total = places.new_zeros(())
    for bonds, stiffness in ((1, 900.0), (2, 150.0), (3, 10.0)):
        i, j = (hops == bonds).triu(1).nonzero().unbind(1)
        length = (places[i] - places[j]).norm(dim=-1) - (rest[i] - rest[j]).norm(dim=-1)
        total = total + 0.5 * stiffness * length.square().sum()
    return total


def test_the_hessian_is_that_of_the_springs(structures):
    batch, places = structures
    hessian = SoftenedForces().hessian(places, batch)
    torch.testing.assert_close(hessian[3], hessian[3].T)
    hops = batch.pair_codes[0, :9, :9, 1] - 1
    rest = places[1, :9]
    expected = torch.autograd.functional.hessian(lambda x: energy(x, rest, hops), rest.clone())
    size = places.shape[1]
    found = hessian[1].view(size, 3, size, 3)[:9, :, :9]
    torch.testing.assert_close(found, expected)
    assert not hessian[1].view(size, 3, size, 3)[9:].any()


def test_a_force_along_a_motion_is_weakened_by_its_stiffness(structures):
    batch, places = structures
    springs = SoftenedForces(damping=20.0)
    stiffness, motions = torch.linalg.eigh(springs.hessian(places, batch))
    for which in (0, 30, -1):
        force = motions[..., which].view_as(places)
        left = 20.0 / (stiffness[:, which] + 20.0)
        torch.testing.assert_close(springs(force, places, batch), force * left[:, None, None])


def test_pushes_and_turns_of_the_whole_pass_and_padding_stays_still(structures):
    batch, places = structures
    present = batch.mask.repeat_interleave(2, 0)[..., None]
    force = torch.ones_like(places) * present
    turning = torch.linalg.cross(
        places, torch.tensor([0.3, -0.5, 0.8], dtype=torch.float64).expand_as(places)
    )
    springs = SoftenedForces()
    torch.testing.assert_close(springs(force, places, batch), force)
    torch.testing.assert_close(springs(turning * present, places, batch), turning * present)
    noise = (
        torch.randn(places.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * present
    )
    assert not (springs(noise, places, batch) * ~present).any()


def test_atoms_in_one_place_pull_nowhere(structures):
    batch, places = structures
    force = torch.ones_like(places)
    torch.testing.assert_close(SoftenedForces()(force, torch.zeros_like(places), batch), force)


def test_half_precision_and_a_structure_without_places_stop_no_training(structures):
    batch, places = structures
    springs = SoftenedForces(damping=20.0)
    force = torch.randn(places.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    halved = springs(force.bfloat16(), places.bfloat16(), batch)
    assert halved.dtype == torch.float32
    torch.testing.assert_close(halved.double(), springs(force, places, batch), atol=0.1, rtol=0.1)
    lost = places.clone()
    lost[1, 0, 0] = float("nan")
    found = springs(force, lost, batch)
    assert not found[1].any()
    torch.testing.assert_close(found[[0, 2, 3]], springs(force, places, batch)[[0, 2, 3]])


@pytest.mark.parametrize("damping", [0.0, -1.0, float("inf"), float("nan"), None, "50"])
def test_a_damping_that_is_no_stiffness_is_refused(damping):
    with pytest.raises(ValueError, match="damping must be a finite number above 0"):
        SoftenedForces(damping)
