"""What a user can set of drawing new molecules beside which: two groups, with every default in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molediff.runtime.checks import check_flag, check_whole_number, is_number
from molediff.sampling.settings import gather


@dataclass(frozen=True)
class GraphSampling:
    """How a masked graph is filled in.

    Attributes:
        num_steps: evaluations of the graph network at most; None: one for each atom and pair of atoms (45 for nine
            heavy atoms), by which the sample is exactly the model's. With fewer, several entries a step are drawn
            independently.
        constrained: rule out at every step what no molecule could complete: more bonds than a valence, atoms that
            would stay apart. False: the model's own samples, of which some are no molecules.
        order: "random", or "certain": entries of least entropy first (see `core.discrete.Revealing`).
        min_probability: leave out what is less probable than this at its step; the samples are then no longer quite
            the model's.
        max_entropy: reveal at each step as many of the most certain entries as leave less than so many nats open
            together (see `core.discrete.EntropyBounded`), in place of one: fewer evaluations where much follows from
            little. `order` and `min_probability` then count for nothing. None: what the weights say, if neither
            `num_steps` nor `order` is given; where they say nothing, not.
        familiar: draw again, up to `max_attempts` graphs for a molecule, a graph that is no molecule, or in which an
            atom has neighbours, or rings are joined, as in no training molecule (`whole.familiar`). None: yes, unless
            the weights do not tell or a scaffold is kept. False: graphs as the model makes them.
        guidance: weight w > 0 presses for properties, by twice the evaluations: logits are (1 + w) times those given
            the properties minus w times those without. 0 draws from the model given the properties.
        shape_steps: solver steps of the shapes; None: what their weights are meant for.
    """

    num_steps: int | None = None
    constrained: bool = True
    order: str = "random"
    min_probability: float = 0.0
    max_entropy: float | None = None
    familiar: bool | None = None
    guidance: float = 0.0
    shape_steps: int | None = None


@dataclass(frozen=True)
class GraphLimits:
    """What a call may use of the machine.

    Attributes:
        batch_size: graphs at a time. It bounds memory.
        max_attempts: most graphs drawn for one molecule, with `familiar`, `only_valid` or a composition.
    """

    batch_size: int = 256
    max_attempts: int = 50


_BESIDE = (
    *("num_atoms", "composition", "scaffold", "attachments", "properties"),
    *("only_valid", "with_shapes", "log_prob", "trajectory"),
)


def read_settings(
    sampling: GraphSampling | None, limits: GraphLimits | None, words: Mapping[str, Any]
) -> tuple[GraphSampling, GraphLimits]:
    """Both groups, of groups or of single words.

    Raises:
        TypeError: a word is no setting.
        ValueError: a setting is out of range, or given twice.
    """
    kinds = {"sampling": GraphSampling, "limits": GraphLimits}
    groups = {"sampling": sampling, "limits": limits}
    found = gather(kinds, groups, words, "molediff.molecules", "generate", _BESIDE)
    for name in ("batch_size", "max_attempts"):
        check_whole_number(name, found[name], least=1)
    for name in ("num_steps", "shape_steps"):
        if found[name] is not None:
            check_whole_number(name, found[name], least=1)
    most = found["max_entropy"]
    if most is not None and not (is_number(most) and most >= 0):
        raise ValueError(f"max_entropy is a number of nats, at least 0, or None; got {most!r}.")
    guidance = found["guidance"]
    if not is_number(guidance) or not 0 <= guidance < float("inf"):
        raise ValueError(f"guidance is a number of at least 0; got {guidance!r}.")
    least = found["min_probability"]
    if not is_number(least) or not 0 <= least < 0.5:
        raise ValueError(f"min_probability must be a number in [0, 0.5); got {least!r}.")
    check_flag("constrained", found["constrained"])
    if found["familiar"] is not None:
        check_flag("familiar", found["familiar"])
    read = GraphLimits(found.pop("batch_size"), found.pop("max_attempts"))
    return GraphSampling(**found), read
