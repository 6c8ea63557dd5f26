"""molediff: learn distributions over three-dimensional structures by diffusion, and sample from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molediff.molecules.generator import ConformerGenerator
    from molediff.molecules.result import GenerationResult

__version__ = "0.1.0"

__all__ = ["ConformerGenerator", "GenerationResult", "__version__"]


def __getattr__(name: str) -> Any:
    # RDKit and torch-geometric are loaded when they are needed: `molediff.core` needs neither.
    if name == "ConformerGenerator":
        from molediff.molecules.generator import ConformerGenerator

        return ConformerGenerator
    if name == "GenerationResult":
        from molediff.molecules.result import GenerationResult

        return GenerationResult
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
