"""The mathematics of diffusion: paths, targets, objectives, solvers, densities. Knows no molecule and no pixel."""

import warnings

from molediff.core.density.flow import to_data, to_noise
from molediff.core.density.likelihood import log_prob, sample_with_log_prob
from molediff.core.discrete.model import CategoricalModel
from molediff.core.distillation import Teacher
from molediff.core.exact.mixture import Mixture, gaussian
from molediff.core.generators import Generators
from molediff.core.geometry.kabsch import kabsch
from molediff.core.geometry.space import FullSpace, NoiseSpace, ZeroCentreOfMass
from molediff.core.guidance import classifier_free, energy_guided
from molediff.core.model import (
    Condition,
    Denoiser,
    DiffusionModel,
    Droppable,
    Encoder,
    Masked,
    Network,
    WithEquivalentPoints,
    WithNoise,
)
from molediff.core.objective.coupling import (
    Coupling,
    EquivalentPointAssignment,
    Independent,
    PermutationalAlignment,
    RotationalAlignment,
    Sequential,
)
from molediff.core.objective.elastic_network import ElasticNetwork
from molediff.core.objective.local_distances import LocalDistances
from molediff.core.objective.local_strain import LocalStrain
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.objective.target_score import TargetScore
from molediff.core.objective.time_density import (
    LogitNormal,
    LogNormalSigma,
    LossEqualizing,
    TimeDensity,
    Uniform,
)
from molediff.core.objective.weight import (
    EDMWeight,
    Likelihood,
    LocalStructure,
    MinSNR,
    Simple,
    Unweighted,
    Weight,
)
from molediff.core.paths import (
    CosineVP,
    CustomVP,
    DiscreteChain,
    GeometricVE,
    LinearVP,
    Path,
    PolynomialVP,
    SigmoidVP,
    SquareRootVP,
    Straight,
    SubVP,
    VariancePreserving,
)
from molediff.core.solvers import (
    DDIM,
    SOLVERS,
    Ancestral,
    AtLambdas,
    Churn,
    Dopri5,
    DPMSolverPP2M,
    DPMSolverPP2S,
    DPMSolverPP3M,
    Euler,
    EulerMaruyama,
    Heun,
    History,
    Inpainting,
    NoiseLevel,
    PredictorCorrector,
    SDEDPMSolverPP2M,
    Solver,
    SolverRun,
    Step,
    central_lambda,
    karras,
    noise_levels,
    solver_named,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)
from molediff.core.target import EDMOutput, Epsilon, Sample, Score, Target, V, Velocity, convert

__all__ = [
    "DDIM",
    "SOLVERS",
    "Ancestral",
    "AtLambdas",
    "CategoricalModel",
    "Churn",
    "Condition",
    "CosineVP",
    "Coupling",
    "CustomVP",
    "DPMSolverPP2M",
    "DPMSolverPP2S",
    "DPMSolverPP3M",
    "Denoiser",
    "DenoisingScoreMatching",
    "DiffusionModel",
    "DiscreteChain",
    "Dopri5",
    "Droppable",
    "EDMOutput",
    "EDMWeight",
    "ElasticNetwork",
    "Encoder",
    "Epsilon",
    "EquivalentPointAssignment",
    "Euler",
    "EulerMaruyama",
    "FullSpace",
    "Generators",
    "GeometricVE",
    "Heun",
    "History",
    "Independent",
    "Inpainting",
    "Likelihood",
    "LinearVP",
    "LocalDistances",
    "LocalStrain",
    "LocalStructure",
    "LogNormalSigma",
    "LogitNormal",
    "LossEqualizing",
    "Masked",
    "MinSNR",
    "Mixture",
    "Network",
    "NoiseLevel",
    "NoiseSpace",
    "Path",
    "PermutationalAlignment",
    "PolynomialVP",
    "PredictorCorrector",
    "RotationalAlignment",
    "SDEDPMSolverPP2M",
    "Sample",
    "Score",
    "Sequential",
    "SigmoidVP",
    "Simple",
    "Solver",
    "SolverRun",
    "SquareRootVP",
    "Step",
    "Straight",
    "SubVP",
    "Target",
    "TargetScore",
    "Teacher",
    "TimeDensity",
    "Uniform",
    "Unweighted",
    "V",
    "VariancePreserving",
    "Velocity",
    "Weight",
    "WithEquivalentPoints",
    "WithNoise",
    "ZeroCentreOfMass",
    "central_lambda",
    "classifier_free",
    "convert",
    "energy_guided",
    "gaussian",
    "kabsch",
    "karras",
    "log_prob",
    "noise_levels",
    "sample_with_log_prob",
    "solver_named",
    "to_data",
    "to_noise",
    "uniform_lambda",
    "uniform_t",
    "with_final_denoising",
]

_FORMER = {"ExchangeOfEquals": "EquivalentPointAssignment", "InTurn": "Sequential"}


def __getattr__(name: str) -> object:
    if name not in _FORMER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"{name} is now called {_FORMER[name]}.", DeprecationWarning, stacklevel=2)
    return globals()[_FORMER[name]]
