"""One source of random numbers a sample, so that no sample depends on its batch mates."""

from __future__ import annotations

import hashlib

import torch


def numbered_generator(seed: int, *numbers: int, key: bytes = b"") -> torch.Generator:
    """The random numbers of one sample: they depend on the seed, the numbers and the key, and on nothing else.

    Args:
        seed: of the call.
        *numbers: which sample of the call it is.
        key: what the sample is of, at most 64 bytes.
    """
    text = ",".join(map(str, (seed, *numbers)))
    digest = hashlib.blake2b(text.encode(), key=key, digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
