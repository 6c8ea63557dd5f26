"""What a user can set of drawing configurations beside how many: two groups, with every default in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molediff.core.density.likelihood import GaussLegendre
from molediff.runtime.checks import check_whole_number
from molediff.sampling.settings import gather


@dataclass(frozen=True)
class Sampling:
    """How exactly the way from noise to configurations is integrated.

    The error of a log-weight is by default a few hundredths of a nat on the shipped weights; docs/particles.md has it.

    Attributes:
        num_nodes: parts of the way, less one; see `molediff.core.density.likelihood.GaussLegendre`. The divergence is
            taken at the nodes and costs (N - 1) d evaluations at each.
        num_steps: Runge-Kutta steps a part, four network evaluations each.
    """

    num_nodes: int = 24
    num_steps: int = 2


@dataclass(frozen=True)
class Limits:
    """What a call may use of the machine.

    Attributes:
        batch_size: configurations at a time. It bounds memory. None: 256, and 64 with their densities.
    """

    batch_size: int | None = None


def read_settings(
    sampling: Sampling | None, limits: Limits | None, words: Mapping[str, Any], usual_batch_size: int
) -> tuple[GaussLegendre, int]:
    """The quadrature and the batch size, of groups or of single words.

    Raises:
        TypeError: a word is no setting.
        ValueError: a setting is out of range, or given twice.
    """
    kinds = {"sampling": Sampling, "limits": Limits}
    found = gather(
        kinds, {"sampling": sampling, "limits": limits}, words, "molediff.particles", "generate and log_prob"
    )
    batch_size = usual_batch_size if found["batch_size"] is None else found["batch_size"]
    return (
        GaussLegendre(
            check_whole_number("num_nodes", found["num_nodes"], least=1),
            check_whole_number("num_steps", found["num_steps"], least=1),
        ),
        check_whole_number("batch_size", batch_size, least=1),
    )
