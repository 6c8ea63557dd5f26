"""Random numbers by counters: known answers, their laws, and that no sample notices another."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molediff.core.discrete.process import uniform_numbers
from molediff.core.generators import Generators, philox
from molediff.core.geometry.space import FullSpace

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_words_are_those_of_random123(counter, key, expected):
    """`philox4x32 10` of the known answers that come with Random123 (Salmon et al. 2011)."""
    found = philox(torch.tensor(counter).reshape(4, 1, 1), torch.tensor(key).reshape(2, 1))
    assert found.flatten().tolist() == expected


def many(num=400):
    return Generators([7] * num, [(i, 0) for i in range(num)])


def test_uniform_numbers_are_uniform_and_independent():
    """Of 400 samples of 1001 numbers: moments, equal shares of 64 bins, and neighbours within and across samples."""
    u = many().uniform((400, 1001))
    num = u.numel()
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 4 * math.sqrt(1 / 12 / num)
    counts = torch.histc(u, 64, 0, 1)
    chi_squared = float(((counts - num / 64) ** 2 / (num / 64)).sum())
    assert abs(chi_squared - 63) < 4 * math.sqrt(2 * 63)
    v = (u - 0.5) * math.sqrt(12)
    for a, b in ((v[:, 1:], v[:, :-1]), (v[1:], v[:-1]), (v[:, 4:], v[:, :-4]), (v[:, 1000:], v[:, :1])):
        assert abs((a * b).mean()) < 4 / math.sqrt(a.numel())


def test_normal_numbers_are_normal():
    """The largest gap between the empirical and the normal distribution is that of a true sample (Kolmogorov)."""
    x = many().normal((400, 1001), dtype=torch.float64).flatten().sort().values
    exact = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    steps = torch.arange(1, len(x) + 1, dtype=torch.float64) / len(x)
    assert math.sqrt(len(x)) * float((steps - exact).abs().max()) < 1.95  # exceeded once in 1000
    assert abs(float((x**4).mean()) - 3) < 4 * math.sqrt(96 / len(x))


def test_draws_and_keys_give_other_numbers():
    generators = many(2)
    first, again = generators.normal((2, 50)), generators.normal((2, 50))
    other = Generators([8, 7 + 2**32], [(0, 0), (0, 0)]).normal((2, 50))
    rows = torch.cat([first, again, other])
    assert len({tuple(row.tolist()) for row in rows}) == 6
    assert torch.corrcoef(rows).fill_diagonal_(0).abs().max() < 0.6


@settings(max_examples=60, deadline=None)
@given(
    num=st.integers(1, 6),
    rows=st.integers(1, 7),
    columns=st.integers(1, 4),
    more=st.integers(0, 5),
    draws=st.integers(0, 2),
    data=st.data(),
)
def test_a_sample_is_the_same_in_any_batch_and_width(num, rows, columns, more, draws, data):
    which = data.draw(st.integers(0, num - 1))
    places = data.draw(st.permutations(range(rows + more)))
    mask = torch.zeros(num, rows + more, dtype=torch.bool)
    mask[:, sorted(places[:rows])] = True
    together, alone = many(num), Generators([7], [(which, 0)])
    for _ in range(draws):
        together.uniform((num, 3))
        alone.uniform((1, 9))
    batch = together.normal((num, rows + more, columns), mask)
    assert torch.equal(batch[which][mask[which]], alone.normal((1, rows, columns))[0])
    assert batch[~mask].abs().sum() == 0


def test_single_precision_is_rounded_double_precision():
    torch.testing.assert_close(
        many().normal((400, 9)), many().normal((400, 9), dtype=torch.float64).float(), rtol=0, atol=0
    )
    assert many().uniform((400, 1001), dtype=torch.float32).max() < 1


@pytest.mark.gpu
def test_a_gpu_gives_the_numbers_of_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    here, there = many().normal((400, 60)), many().normal((400, 60), device="cuda").cpu()
    torch.testing.assert_close(there, here, rtol=1e-6, atol=1e-7)
    assert torch.equal(many().uniform((400, 60)), many().uniform((400, 60), device="cuda").cpu())


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="3 samples need as many generators"):
        many(2).normal((3, 4))
    with pytest.raises(ValueError, match="64"):
        Generators([-1])
    with pytest.raises(ValueError, match="numbered from 0 to 4294967295"):
        Generators([1], [(2**32, 0)])
    with pytest.raises(ValueError, match="2 keys need as many numbers; got 1"):
        Generators([1, 2], [(0, 0)])


def test_lists_of_torch_generators_still_serve():
    def lists():
        return [torch.Generator().manual_seed(i) for i in range(3)]

    with pytest.warns(DeprecationWarning, match="Generators"):
        x = FullSpace().sample((3, 4), lists())
    with pytest.warns(DeprecationWarning, match="Generators"):
        alone = FullSpace().sample((1, 4), lists()[1:2])
    assert torch.equal(x[1], alone[0])
    with pytest.warns(DeprecationWarning, match="Generators"):
        assert uniform_numbers((3, 2), lists()).shape == (3, 2)
