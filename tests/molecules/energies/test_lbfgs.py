"""The minimizer, on potentials whose minima are known."""

import itertools

import pytest
import torch

from molediff.molecules.energies.lbfgs import MAX_STEP, minimize


def springs(stiffness: torch.Tensor, centres: torch.Tensor):
    """1/2 k |x - c|^2 for every atom: stiffness (n, N, 3), centres (n, N, 3)."""

    def potential(x, rows):
        away = x - centres[rows]
        return 0.5 * (stiffness[rows] * away**2).sum((1, 2)), -stiffness[rows] * away

    return potential


def quadratic(num: int = 5, atoms: int = 4, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    # Bond stretches are some hundred times as stiff as torsions.
    stiffness = 10 ** (2 * torch.rand(num, atoms, 3, generator=generator, dtype=torch.float64) - 0.5)
    centres = torch.randn(num, atoms, 3, generator=generator, dtype=torch.float64)
    start = centres + 0.5 * torch.randn(num, atoms, 3, generator=generator, dtype=torch.float64)
    return springs(stiffness, centres), start, centres


def everything(start: torch.Tensor) -> torch.Tensor:
    return torch.ones(start.shape[:2], dtype=torch.bool)


def lennard_jones(x, rows):
    """Energy and force of clusters of atoms whose pairs rest at distance 1 with energy -1."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        inverse = sum(
            ((x[:, i] - x[:, j]).norm(dim=-1) ** -12 - 2 * (x[:, i] - x[:, j]).norm(dim=-1) ** -6)
            for i in range(x.shape[1])
            for j in range(i)
        )
        (gradient,) = torch.autograd.grad(inverse.sum(), x)
    return inverse.detach(), -gradient


def test_a_quadratic_ends_at_its_centre():
    potential, start, centres = quadratic()
    found = minimize(potential, start, everything(start), 1e-4, 500, batch=5)
    assert found.converged.all()
    torch.testing.assert_close(found.positions, centres, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.energies, torch.zeros(5, dtype=torch.float64), atol=1e-6, rtol=0)
    assert (found.largest_force <= 1e-4).all()
    assert found.num_evaluations.max() < 150


def test_a_tetrahedron_of_lennard_jones_atoms_is_regular():
    """Four atoms can all touch each other: six pairs of energy -1 at distance 1."""
    generator = torch.Generator().manual_seed(3)
    corners = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    start = 0.5 * corners + 0.1 * torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)
    found = minimize(lennard_jones, start, everything(start), 1e-4, 500, batch=6)
    assert found.converged.all()
    torch.testing.assert_close(found.energies, torch.full((6,), -6.0, dtype=torch.float64), atol=1e-6, rtol=0)
    distances = torch.cdist(found.positions, found.positions)
    pairs = distances[:, ~torch.eye(4, dtype=torch.bool)]
    torch.testing.assert_close(pairs, torch.ones_like(pairs), atol=1e-3, rtol=0)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_what_becomes_of_one_does_not_depend_on_the_others(batch):
    potential, start, _ = quadratic(5)
    alone = [
        minimize(
            lambda x, rows, i=i: potential(x, rows + i), start[i : i + 1], everything(start)[:1], 1e-3, 500, 1
        )
        for i in range(5)
    ]
    together = minimize(potential, start, everything(start), 1e-3, 500, batch)
    for i, one in enumerate(alone):
        assert together.num_evaluations[i] == one.num_evaluations[0]
        torch.testing.assert_close(together.positions[i], one.positions[0], atol=1e-9, rtol=0)


def test_no_more_than_a_batch_is_evaluated_at_once_and_places_are_filled():
    potential, start, _ = quadratic(7)
    sizes = []

    def counted(x, rows):
        sizes.append(len(rows))
        return potential(x, rows)

    found = minimize(counted, start, everything(start), 1e-3, 500, batch=3)
    assert found.converged.all()
    assert max(sizes) == 3
    assert sum(sizes) == found.num_evaluations.sum()
    assert sizes == sorted(sizes, reverse=True)  # full until there is nothing left to fill it with


def test_held_atoms_stay_and_are_not_asked_for_their_force():
    potential, start, centres = quadratic()
    free = everything(start)
    free[:, 1] = False
    found = minimize(potential, start, free, 1e-4, 500, batch=5)
    assert found.converged.all()
    assert torch.equal(found.positions[:, 1], start[:, 1])
    torch.testing.assert_close(found.positions[:, 2], centres[:, 2], atol=1e-3, rtol=0)


def test_no_atom_moves_further_than_the_bound_in_a_step():
    potential, start, _ = quadratic()
    seen = []

    def watched(x, rows):
        seen.append(x.clone())
        return potential(x, rows)

    minimize(watched, start + 3.0, everything(start), 1e-3, 20, batch=5)
    steps = [(after - before).norm(dim=-1).max() for before, after in itertools.pairwise(seen)]
    assert max(steps) <= MAX_STEP + 1e-9
    assert max(steps) > 0.99 * MAX_STEP


def test_out_of_evaluations_is_not_converged_and_keeps_the_lowest():
    potential, start, _ = quadratic()
    found = minimize(potential, start, everything(start), 1e-6, 3, batch=5)
    assert not found.converged.any()
    assert not found.interrupted.any()
    assert (found.num_evaluations == 3).all()
    before = potential(start, torch.arange(5))[0]
    assert (found.energies < before).all()
    torch.testing.assert_close(potential(found.positions, torch.arange(5))[0], found.energies)


def test_a_step_far_up_is_taken_back():
    """A wall that the harmonic estimate does not know: beyond it the energy is not finite."""

    def walled(x, rows):
        energy = 0.5 * (x**2).sum((1, 2))
        beyond = x[:, 0, 0] < -0.01
        return torch.where(beyond, torch.inf, energy), -x

    start = torch.tensor([[[2.0, 0.3, 0.0]]], dtype=torch.float64)
    found = minimize(walled, start, torch.ones(1, 1, dtype=torch.bool), 1e-4, 200, batch=1)
    assert found.converged.all()
    torch.testing.assert_close(found.positions, torch.zeros(1, 1, 3, dtype=torch.float64), atol=1e-3, rtol=0)


def test_what_is_not_finite_where_it_begins_is_given_up_alone():
    potential, start, _ = quadratic()

    def broken(x, rows):
        energies, forces = potential(x, rows)
        return torch.where(rows == 2, torch.nan, energies), forces

    found = minimize(broken, start, everything(start), 1e-3, 500, batch=2)
    assert found.converged.tolist() == [True, True, False, True, True]
    assert torch.isnan(found.energies[2])
    assert torch.equal(found.positions[2], start[2])


def test_what_the_time_did_not_suffice_for_is_as_it_was():
    potential, start, _ = quadratic()
    left = iter([False] * 60)
    found = minimize(potential, start, everything(start), 1e-3, 500, 1, stop=lambda: next(left, True))
    assert 0 < found.interrupted.sum() < 5
    assert (found.interrupted == ~found.converged).all()
    assert torch.equal(found.positions[found.interrupted], start[found.interrupted])
    assert torch.isnan(found.energies[found.interrupted]).all()


def test_nothing_is_nothing():
    none = torch.zeros(0, 3, 3)
    assert minimize(lennard_jones, none, everything(none), 1e-3, 5, 1).energies.shape == (0,)
