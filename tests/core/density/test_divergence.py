"""The trace of a network whose tensors are stored channels last, as those of images are."""

import torch
from torch import nn

from molediff.core.density.divergence import ExactTrace, denoised_with_trace
from molediff.core.geometry.space import FullSpace


def test_the_trace_of_a_network_in_channels_last():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.SiLU(), nn.Conv2d(8, 2, 3, padding=1)
    )
    x, t = torch.randn(3, 2, 4, 4), torch.full((3,), 0.5)
    traces = []
    for layout in (torch.contiguous_format, torch.channels_last):
        network.to(memory_format=layout)
        y = x.contiguous(memory_format=layout)
        directions = ExactTrace().directions(y, FullSpace(), None, None)
        traces.append(denoised_with_trace(lambda x, t: network(x), y, t, directions, FullSpace(), None)[1])
    jacobian = torch.stack([torch.autograd.functional.jacobian(network, one[None]) for one in x])
    exact = jacobian.reshape(3, 32, 32).diagonal(dim1=1, dim2=2).sum(1)
    torch.testing.assert_close(traces[0], exact, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(traces[1], exact, rtol=1e-4, atol=1e-4)
