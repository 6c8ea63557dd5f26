"""Random numbers of n samples at once, each sample's its own: the same for any batch, on any device.

A counter-based generator has no state to carry along: it turns a key and a counter into random bits (Salmon et al.
2011). The key says of what the numbers are, the counter which sample, which draw and which entry.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_WORD = 0xFFFFFFFF
"""Philox-4x32-10: constants of Salmon et al. 2011, section 3.3 and their library Random123."""


class Generators:
    """Random numbers of n samples: those of a sample depend on its key, its number and how often was drawn before.

    Not on its batch mates, on padding or on the device, up to the last digit of a logarithm or cosine. Uniform numbers
    are multiples of 2^-32 (of 2^-24 in float32); normal ones (Box and Muller 1958) end at 6.7.

    Args:
        keys: of each sample, whole numbers of 64 bits.
        numbers: which sample of its key each is: two whole numbers of 32 bits, shape (n, 2). None: all are (0, 0).

    Raises:
        ValueError: a key or a number is out of range.

    Example:
        >>> from molediff.core import Generators
        >>> both, second = Generators([5, 6]), Generators([6])
        >>> bool((both.normal((2, 3))[1] == second.normal((1, 3))[0]).all())
        True
    """

    def __init__(self, keys: Sequence[int], numbers: Sequence[tuple[int, int]] | None = None) -> None:
        numbers = [(0, 0)] * len(keys) if numbers is None else numbers
        if len(numbers) != len(keys):
            raise ValueError(f"{len(keys)} keys need as many numbers; got {len(numbers)}.")
        if not all(0 <= key < 2**64 for key in keys):
            raise ValueError("Keys are whole numbers from 0 to 2^64 - 1.")
        if not all(0 <= number <= _WORD for pair in numbers for number in pair):
            raise ValueError(f"Samples are numbered from 0 to {_WORD}.")
        self._numbers = torch.tensor(numbers, dtype=torch.int64).reshape(-1, 2).T
        self._multipliers = torch.tensor(_MULTIPLIERS).reshape(2, 1, 1)
        self._round_keys = round_keys(
            torch.tensor([[key & _WORD for key in keys], [key >> 32 for key in keys]])
        )
        self._num_draws = 0

    def __len__(self) -> int:
        return self._numbers.shape[1]

    def uniform(
        self,
        shape: Sequence[int],
        mask: Tensor | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = torch.float64,
    ) -> Tensor:
        """Numbers in [0, 1), of `shape` (n, ...); the arguments are those of `normal`."""
        words = torch.stack(self._bits(shape, device), dim=-1)
        # No more digits than float32 has, lest it round to 1.
        numbers = (words if dtype == torch.float64 else words & ~0xFF).double().mul_(2.0**-32)
        return self._placed(numbers, shape, mask, device, dtype)

    def normal(
        self,
        shape: Sequence[int],
        mask: Tensor | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Unit normal numbers.

        Args:
            shape: (n, ...).
            mask: true for real rows, shape (n, N), of samples (n, N, ...): they take the numbers that they would have
                without the others, which become zero.
            device: of the result, and where it is made; None: the CPU.
            dtype: of the result; None: torch's default.

        Raises:
            ValueError: n is not the number of generators.
        """
        first, second = self._bits(shape, device)
        # One of the two is never 0, the logarithm of which is infinite.
        radius = (first.double() + 1).mul_(2.0**-32).log_().mul_(-2).sqrt_()
        angle = second.double().mul_(2.0**-31 * math.pi)
        numbers = torch.stack((angle.cos().mul_(radius), angle.sin_().mul_(radius)), dim=-1)
        return self._placed(numbers, shape, mask, device, dtype)

    def _bits(self, shape: Sequence[int], device: torch.device | str | None) -> tuple[Tensor, Tensor]:
        """Two words for each two numbers of a sample: both (2, n, blocks), int64."""
        if shape[0] != len(self):
            raise ValueError(f"{shape[0]} samples need as many generators, one each; got {len(self)}.")
        device = torch.device("cpu" if device is None else device)
        if self._numbers.device != device:
            away = device.type != "cpu"  # on the way back there is something to wait for
            self._numbers, self._multipliers, self._round_keys = (
                part.to(device, non_blocking=away)
                for part in (self._numbers, self._multipliers, self._round_keys)
            )
        blocks = torch.arange(math.ceil(math.prod(shape[1:]) / 4), device=device)
        numbers = self._numbers.unsqueeze(-1).expand(2, len(self), len(blocks))
        even = torch.stack((blocks.expand_as(numbers[0]), numbers[1]))
        odd = torch.stack((numbers[0], torch.full_like(numbers[0], self._num_draws)))
        self._num_draws += 1
        return _philox(even, odd, self._multipliers, self._round_keys)

    def _placed(
        self,
        numbers: Tensor,
        shape: Sequence[int],
        mask: Tensor | None,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> Tensor:
        """Numbers (2, n, blocks, 2) in their places of `shape`, block by block; real rows are served in turn."""
        size = math.prod(shape[1:])
        dtype = torch.get_default_dtype() if dtype is None else dtype
        x = numbers.permute(1, 2, 0, 3).reshape(shape[0], -1)[:, :size].reshape(tuple(shape)).to(dtype)
        if mask is None:
            return x
        mask = mask.to(x.device)
        trailing = (1,) * (x.ndim - 2)
        place = (mask.cumsum(1) - 1).clamp_min_(0)
        x = x.gather(1, place.reshape(*place.shape, *trailing).expand_as(x))
        return x.masked_fill_(~mask.reshape(*mask.shape, *trailing), 0)


def of_torch(generators: Sequence[torch.Generator]) -> Generators:
    """Generators whose keys these draw: for callers who still bring a list of torch's."""
    warnings.warn(
        "Lists of torch.Generator give way to molediff.core.Generators([seed of each sample]).",
        DeprecationWarning,
        stacklevel=4,
    )
    return Generators([int(torch.randint(2**62, (1,), generator=g, device=g.device)) for g in generators])


def philox(counter: Tensor, key: Tensor) -> Tensor:
    """Random words of counters: Philox-4x32-10 (Salmon et al. 2011, section 3.3).

    Args:
        counter: words of 32 bits in int64, shape (4, n, m).
        key: words of 32 bits in int64, shape (2, n).

    Returns:
        Words of 32 bits in int64, shape (4, n, m).
    """
    multipliers = torch.tensor(_MULTIPLIERS, device=counter.device).reshape(2, 1, 1)
    even, odd = _philox(counter[0::2], counter[1::2], multipliers, round_keys(key))
    return torch.stack((even[0], odd[0], even[1], odd[1]))


def round_keys(key: Tensor) -> Tensor:
    """The keys of the rounds, shape (rounds, 2, n, 1), for `key` (2, n)."""
    steps = torch.tensor(_WEYL, device=key.device).reshape(2, 1) * torch.arange(
        _ROUNDS, device=key.device
    ).reshape(-1, 1, 1)
    return ((key + steps) & _WORD).unsqueeze(-1)


def _philox(even: Tensor, odd: Tensor, multipliers: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """The words 0 and 2, and 1 and 3, both (2, n, m), after all rounds."""
    for key in keys.unbind():
        # int64 keeps the 64 bits of the product of two words; what is above a word is cut off when it has been used.
        product = even * multipliers
        even = (product >> 32).flip(0).bitwise_xor_(odd).bitwise_xor_(key).bitwise_and_(_WORD)
        odd = product.flip(0)
    return even, odd & _WORD
