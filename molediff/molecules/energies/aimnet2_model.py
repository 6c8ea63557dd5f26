"""The network AIMNet2 (wB97M-D3, gas phase): its file, and energies and forces of a batch.

The file is TorchScript, which is code: loading it runs what is in it. So it is never downloaded here, it is that of a
package that the user has installed, and another file than the known one is refused unless the user states its checksum.

Source: Anstine, Zubatyuk & Isayev 2025 (AIMNet2). The file comes with the package Auto3D 2.3.1 (MIT).
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from molediff.runtime.extras import require

SHA256 = "a6d366b05c5997668f24a834584b4033d0cab67d13d2f8caf143b965018d3735"
"""Of `Auto3D/models/aimnet2_wb97m-d3_0.jpt` in the wheel Auto3D 2.3.1."""

PATH_VARIABLE, SHA256_VARIABLE = "MOLEDIFF_AIMNET2", "MOLEDIFF_AIMNET2_SHA256"
"""Environment variables: path of the file if it is not that of Auto3D, and its checksum if it is another file."""

ELEMENTS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 53})
"""Atomic numbers that it was trained on: H B C N O F Si P S Cl As Se Br I."""


def find_model(path: str | os.PathLike[str] | None = None) -> Path:
    """The file: `path`, or what `MOLEDIFF_AIMNET2` names, or that of the installed package Auto3D (not imported).

    Raises:
        FileNotFoundError: there is no file at the path.
        ModuleNotFoundError: Auto3D is not installed; the message says which command installs it.
    """
    given = path or os.environ.get(PATH_VARIABLE)
    if given:
        if not Path(given).is_file():
            source = "" if path else f", which {PATH_VARIABLE} names"
            raise FileNotFoundError(f"There is no file {given}{source}: it should be aimnet2_wb97m-d3_0.jpt.")
        return Path(given)
    require("Auto3D", "AIMNet2")
    spec = find_spec("Auto3D")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        if (file := Path(place, "models", "aimnet2_wb97m-d3_0.jpt")).is_file():
            return file
    raise FileNotFoundError(
        f"The installed Auto3D ({', '.join(places)}) has no models/aimnet2_wb97m-d3_0.jpt: "
        "pip install 'molediff[aimnet2]'"
    )


def read_model(path: str | os.PathLike[str] | None = None, sha256: str | None = None) -> bytes:
    """The content of the file, if it is the one that it should be.

    Args:
        path: see `find_model`.
        sha256: that it must have; None: what `MOLEDIFF_AIMNET2_SHA256` says, or else `SHA256`.

    Raises:
        ValueError: it has another checksum.
        OSError, ModuleNotFoundError: as of `find_model`.
    """
    file = find_model(path)
    content = file.read_bytes()
    expected = (sha256 or os.environ.get(SHA256_VARIABLE) or SHA256).lower()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(
            f"{file} is not the file of AIMNet2 that is known here: its SHA-256 is {found}, not {expected}. Loading it "
            f"runs code that is in it. If you trust it, set {SHA256_VARIABLE}={found}."
        )
    return content


class AIMNet2:
    """Energies and forces of batches.

    Args:
        network: as `torch.jit.load` gives it.
        device: where it is.
    """

    def __init__(self, network: Any, device: torch.device) -> None:
        self._network, self.device = network, device

    def __call__(self, numbers: Tensor, charges: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (b,) in eV and forces (b, N, 3) in eV/Angstrom; zero on padding.

        Args:
            numbers: atomic numbers, int64, shape (b, N); 0 is padding.
            charges: total charges, shape (b,).
            positions: in Angstrom, shape (b, N, 3).
        """
        # The network counts in float32, which far from the origin has few digits.
        present = (numbers > 0)[..., None]
        centre = (positions * present).sum(1, keepdim=True) / present.sum(1, keepdim=True)
        with torch.enable_grad(), torch.jit.optimized_execution(False):  # else it compiles for every shape
            x = ((positions - centre) * present).detach().requires_grad_()
            data = {"coord": x, "numbers": numbers, "charge": charges}
            energies = self._network(data)["energy"]
            (gradient,) = torch.autograd.grad(energies.sum(), x)
        return energies.detach(), -gradient * present


@lru_cache(maxsize=4)
def _load(path: str, sha256: str | None, device: torch.device) -> AIMNet2:
    content = read_model(path, sha256)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", DeprecationWarning)
        network = torch.jit.load(io.BytesIO(content), map_location=device).eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return AIMNet2(network, device)


def load_aimnet2(
    device: str | torch.device = "cpu",
    path: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
) -> AIMNet2:
    """The network; the same object at the next call. Runs code that is in the file, whose checksum is known.

    Args:
        device: a CUDA device, or anything else for the CPU (it needs float64).
        path, sha256: see `read_model`.

    Raises:
        As `read_model`.
    """
    chosen = torch.device(device)
    expected = sha256 or os.environ.get(SHA256_VARIABLE)
    return _load(str(find_model(path)), expected, chosen if chosen.type == "cuda" else torch.device("cpu"))
