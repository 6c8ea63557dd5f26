"""molediff: learn distributions over three-dimensional structures by diffusion, and sample from them."""

from typing import TYPE_CHECKING

from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.images.generator import ImageGenerator as ImageGenerator
    from molediff.molecules.errors import MoleculeError as MoleculeError
    from molediff.molecules.files.output import write as write
    from molediff.molecules.generation.result import GenerationResult as GenerationResult
    from molediff.molecules.generator import ConformerGenerator as ConformerGenerator
    from molediff.molecules.view.viewer import View as View
    from molediff.molecules.whole.generator import MoleculeGenerator as MoleculeGenerator
    from molediff.molecules.whole.result import NewMolecule as NewMolecule
    from molediff.particles.generator import ParticleGenerator as ParticleGenerator

__version__ = "0.2.0"

# What a domain needs, such as RDKit, is loaded when it is needed: `molediff.core` needs torch alone.
__getattr__ = lazy_names(
    __name__,
    {
        "ConformerGenerator": "molediff.molecules.generator",
        "GenerationResult": "molediff.molecules.generation.result",
        "ImageGenerator": "molediff.images.generator",
        "MoleculeError": "molediff.molecules.errors",
        "MoleculeGenerator": "molediff.molecules.whole.generator",
        "NewMolecule": "molediff.molecules.whole.result",
        "ParticleGenerator": "molediff.particles.generator",
        "View": "molediff.molecules.view.viewer",
        "write": "molediff.molecules.files.output",
    },
)
