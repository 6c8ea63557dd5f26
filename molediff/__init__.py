"""molediff: learn distributions over three-dimensional structures by diffusion, and sample from them."""

__version__ = "0.1.0"
