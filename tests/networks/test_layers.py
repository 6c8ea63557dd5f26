import torch

from molediff.networks.layers import GaussianBasis


def test_the_slopes_of_the_basis_are_those_of_its_formula():
    basis = GaussianBasis(8, 4.0).double()
    d = torch.linspace(0.05, 5, 12, dtype=torch.float64).reshape(2, 6).requires_grad_()
    z = (d.unsqueeze(-1) - basis.centres) * basis.inverse_widths
    plain = torch.exp(-0.5 * (z * z).clamp(max=80))
    torch.testing.assert_close(basis(d), plain)
    weights = torch.randn(plain.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first, expected = (
        torch.autograd.grad((y * weights).sum(), d, create_graph=True)[0] for y in (basis(d), plain)
    )
    torch.testing.assert_close(first, expected)
    second, expected = (torch.autograd.grad(slope.square().sum(), d)[0] for slope in (first, expected))
    torch.testing.assert_close(second, expected)


def test_many_products_at_once_are_those_of_one_after_another():
    basis = GaussianBasis(8, 4.0).double()
    d = torch.linspace(0.05, 5, 6, dtype=torch.float64).requires_grad_()
    z = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (together,) = torch.autograd.grad(basis(d), d, z, is_grads_batched=True)
    torch.testing.assert_close(together, torch.stack([torch.autograd.grad(basis(d), d, one)[0] for one in z]))
