"""Noising paths from data to noise, one a file."""

from molediff.core.paths.base import Path, VariancePreserving, check_path, expand_like
from molediff.core.paths.cosine_vp import CosineVP
from molediff.core.paths.custom_vp import CustomVP
from molediff.core.paths.discrete_chain import DiscreteChain
from molediff.core.paths.linear_vp import LinearVP
from molediff.core.paths.polynomial_vp import PolynomialVP
from molediff.core.paths.sigmoid_vp import SigmoidVP
from molediff.core.paths.square_root_vp import SquareRootVP
from molediff.core.paths.straight import Straight
from molediff.core.paths.sub_vp import SubVP
from molediff.core.paths.variance_exploding import GeometricVE

__all__ = [
    "CosineVP",
    "CustomVP",
    "DiscreteChain",
    "GeometricVE",
    "LinearVP",
    "Path",
    "PolynomialVP",
    "SigmoidVP",
    "SquareRootVP",
    "Straight",
    "SubVP",
    "VariancePreserving",
    "check_path",
    "expand_like",
]
