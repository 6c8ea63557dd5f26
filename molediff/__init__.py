"""molediff: learn distributions over three-dimensional structures by diffusion, and sample from them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molediff.images.generator import ImageGenerator
    from molediff.molecules.generator import ConformerGenerator
    from molediff.molecules.result import GenerationResult
    from molediff.particles.generator import ParticleGenerator

__version__ = "0.1.0"

__all__ = ["ConformerGenerator", "GenerationResult", "ImageGenerator", "ParticleGenerator", "__version__"]


_HOMES = {
    "ConformerGenerator": "molediff.molecules.generator",
    "GenerationResult": "molediff.molecules.result",
    "ImageGenerator": "molediff.images.generator",
    "ParticleGenerator": "molediff.particles.generator",
}


def __getattr__(name: str) -> Any:
    # What a domain needs, such as RDKit, is loaded when it is needed: `molediff.core` needs torch alone.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
