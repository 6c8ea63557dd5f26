"""One source of random numbers a sample, so that no sample depends on its batch mates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch

from molediff.core.generators import Generators

NOISE = "philox4x32-10"
"""Whose numbers samples are drawn from, as files of samples name it."""


def numbered_seed(seed: int, *numbers: int, key: bytes = b"") -> int:
    """A seed of 64 bits: it depends on the seed, the numbers and the key, and on nothing else.

    Args:
        seed: of the call.
        *numbers: which sample, batch or part of the call it is of.
        key: what it is of, at most 64 bytes.
    """
    text = ",".join(map(str, (seed, *numbers)))
    return int.from_bytes(hashlib.blake2b(text.encode(), key=key, digest_size=8).digest(), "little")


def numbered_generator(seed: int, *numbers: int, key: bytes = b"") -> torch.Generator:
    """One generator of torch for all that is drawn of this seed, these numbers and this key: see `numbered_seed`."""
    return torch.Generator().manual_seed(numbered_seed(seed, *numbers, key=key))


def numbered_generators(seed: int, numbers: Iterable[int | tuple[int, int]], key: bytes = b"") -> Generators:
    """The random numbers of samples: those of each depend on the seed, its number and the key, and on nothing else.

    Args:
        seed: of the call.
        numbers: which sample of the call each is, by one whole number of 32 bits or two.
        key: what the samples are of, at most 64 bytes.
    """
    pairs = [(number, 0) if isinstance(number, int) else number for number in numbers]
    return Generators([numbered_seed(seed, key=key)] * len(pairs), pairs)
