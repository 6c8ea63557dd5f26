"""From a weights file to a model that can be sampled."""

from __future__ import annotations

import difflib
import importlib
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

from torch import nn

import molediff
from molediff.core.discrete.model import CategoricalModel
from molediff.core.geometry.space import NoiseSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import Path, VariancePreserving
from molediff.core.target import Target
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.former_names import FORMER_NAMES
from molediff.networks.kind import check_kind
from molediff.networks.torsion_prior import TorsionPrior
from molediff.networks.weights import NoSuchWeightsError, WeightsError, load_weights
from molediff.runtime.weights_names import names_in

SHIPPED = FilePath(molediff.__file__).parent / "weights"
_FORMER = {"drugs_refiner": "drugs"}


def find_weights(weights: str | FilePath, kind: str | None = None) -> FilePath:
    """The file of shipped weights of this name, or the path given.

    Args:
        weights: name or path.
        kind: what they should draw ("conformers", "graphs", ...): where there are none of the name, those are named.

    Raises:
        NoSuchWeightsError: no weights of this name are shipped; the message says which are. Or it is no name at all.
    """
    if not isinstance(weights, str | FilePath) or not str(weights):
        raise NoSuchWeightsError(f"Weights are a name or the path of a .safetensors file; got {weights!r}.")
    path = FilePath(weights)
    if path.suffix == "" and path.name == str(weights) and not path.is_file():  # a folder may have that name
        if weights in _FORMER:
            warnings.warn(
                f"the weights {weights!r} are now {_FORMER[str(weights)]!r}", DeprecationWarning, stacklevel=3
            )
            weights = _FORMER[str(weights)]
        path = SHIPPED / f"{weights}.safetensors"
        if not path.is_file():
            names = names_in(SHIPPED, kind)
            near = difflib.get_close_matches(str(weights), names, n=1)
            meant = f"did you mean {near[0]!r}? Or " if near else ""
            raise NoSuchWeightsError(
                f"No weights {weights!r} ({path} is missing): {meant}give one of the shipped names "
                f"({', '.join(names) or 'none found'}) or the path of a .safetensors file; if a shipped file is gone, "
                "install molediff again."
            )
    return path


def load_model(
    weights: str | FilePath, allow: Sequence[str] = (), kind: str | None = None
) -> tuple[DiffusionModel, dict[str, Any]]:
    """Rebuild a model from a weights file: network, path, target, space and scale are in its metadata.

    Args:
        weights: name of shipped weights, or path of a `.safetensors` file.
        allow: packages of your own whose classes the file may name, such as `["my_package"]`. Importing them runs their
            code; nothing but molediff and these is ever imported.
        kind: see `find_weights`.

    Returns:
        The model, on the CPU, and the metadata.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not of a model of this version, or names a class of a package that is not allowed;
            the message names it.
    """
    path = find_weights(weights, kind)
    state, metadata = load_weights(path)
    with _explained(path):
        _check_sampling(metadata)
        config = metadata["config"]
        if config.get("prior") is not None:
            raise _NotBuiltError(
                "it was trained with a harmonic prior, which this version no longer has: train anew."
            )
        network = build(config["network"], nn.Module, allow)
        if isinstance(network, TorsionPrior):
            check_kind(network, "conformers")
        model = DiffusionModel(
            network,
            build(config["path"], Path, allow),
            build(config["target"], Target, allow),
            build(config["space"], NoiseSpace, allow),
            float(config["scale"]),
        )
        model.load_state_dict(state)
    return model, metadata


def load_categorical(
    weights: str | FilePath, allow: Sequence[str] = ()
) -> tuple[CategoricalModel, dict[str, Any]]:
    """Rebuild a categorical model, such as one of graphs, from its weights file; arguments as for `load_model`.

    Raises:
        NoSuchWeightsError: there is no such file.
        WeightsError: it is damaged, or not of a categorical model of this version; the message names it.
    """
    path = find_weights(weights, "graphs")
    state, metadata = load_weights(path)
    with _explained(path):
        config = metadata["config"]
        network = build(config["network"], nn.Module, allow)
        check_kind(network, "graphs")
        model = CategoricalModel(
            network, build(config["path"], VariancePreserving, allow), network.mask_state
        )
        model.load_state_dict(state)
    return model, metadata


def load_autoencoder(weights: str | FilePath, allow: Sequence[str] = ()) -> Autoencoder:
    """Rebuild an autoencoder from its weights file; arguments as for `load_model`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not of an autoencoder of this version; the message names it.
    """
    path = find_weights(weights)
    state, metadata = load_weights(path)
    with _explained(path):
        autoencoder: Autoencoder = build(metadata["config"]["network"], Autoencoder, allow)
        autoencoder.load_state_dict(state)
    return autoencoder


def load_torsion_prior(weights: str | FilePath, allow: Sequence[str] = ()) -> TorsionPrior:
    """Rebuild a prior of torsions from its weights file; arguments as for `load_model`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not of a prior of this version; the message names it.
    """
    path = find_weights(weights)
    state, metadata = load_weights(path)
    with _explained(path):
        prior: TorsionPrior = build(metadata["config"]["network"], TorsionPrior, allow)
        prior.load_state_dict(state)
    return prior


def _check_sampling(metadata: dict[str, Any]) -> None:
    """Raise a ValueError if what the metadata say of how to sample is not of the kind that generators take."""
    max_atoms, sampling = metadata.get("max_atoms"), metadata.get("sampling")
    if max_atoms is not None and (type(max_atoms) is not int or max_atoms < 1):
        raise ValueError(f"its max_atoms is a whole number above 0, not {max_atoms!r}")
    if sampling is None:
        return
    if not isinstance(sampling, dict) or not isinstance(sampling.get("solver"), str):
        raise ValueError(f"its sampling names a solver and lambdas, not {sampling!r}")
    by_init = sampling.get("lambdas_by_init", {})
    if not isinstance(by_init, dict):
        raise ValueError(
            f"the lambdas_by_init of its sampling are lambdas by the name of a start, not {by_init!r}"
        )
    for lambdas in (sampling.get("lambdas"), *by_init.values()):
        if not isinstance(lambdas, list) or not lambdas or not all(_is_finite(value) for value in lambdas):
            raise ValueError(f"the lambdas of its sampling are finite numbers, not {lambdas!r}")


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@contextmanager
def _explained(path: FilePath) -> Iterator[None]:
    """Turn whatever goes wrong in rebuilding a model from `path` into one clear sentence."""
    try:
        yield
    except _NotBuiltError as error:
        raise WeightsError(f"{path}: {error}") from None
    except WeightsError:  # weights of another kind, which says all there is to say
        raise
    except (KeyError, TypeError, AttributeError, ImportError, RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise WeightsError(
            f"{path} does not hold a model that this version of molediff can build ({type(error).__name__}: {reason}): "
            "use weights of this version, or train anew."
        ) from error


class _NotBuiltError(WeightsError):
    """A weights file asks for what nobody has allowed, or nobody has any more; the message says all there is to say."""


def build(description: dict[str, Any], kind: type, allow: Sequence[str] = ()) -> Any:
    """The object of a description {"_target_": "molediff.<room>.<class>", argument: value, ...}.

    Only classes of this package and of those in `allow` that are a `kind` are built, so that a weights file cannot run
    anything else.

    Raises:
        TypeError: the description is of something else.
        ValueError: it names a package that is not allowed.
    """
    arguments = {key: _value(value, allow) for key, value in description.items() if key != "_target_"}
    found = _named(description["_target_"], allow)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise TypeError(f"{description['_target_']} is not a {kind.__name__}")
    return found(**arguments)


def _named(name: Any, allow: Sequence[str]) -> Any:
    """What the dotted `name` means, inside this package or one that is allowed."""
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is not a name")
    module, _, attribute = FORMER_NAMES.get(name, name).rpartition(".")
    if not any(f"{module}.".startswith(f"{package}.") for package in ("molediff", *allow)):
        package = name.split(".")[0]
        raise _NotBuiltError(
            f'it names {name}, which is not part of molediff: if you trust that package, give allow=["{package}"].'
        )
    return getattr(importlib.import_module(module), attribute)


def _value(value: Any, allow: Sequence[str]) -> Any:
    """An argument: a value, a network, or a constant of this package, {"_target_": ..., "path": "molediff...."}."""
    if isinstance(value, dict) and value.get("_target_") == "hydra.utils.get_object":
        return _named(value["path"], allow)
    if isinstance(value, dict) and "_target_" in value:
        return build(value, nn.Module, allow)
    return tuple(value) if isinstance(value, list) else value
