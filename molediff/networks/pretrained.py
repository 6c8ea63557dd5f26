"""From a weights file to a model that can be sampled."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

from torch import nn

import molediff
from molediff.core.harmonic import HarmonicPrior
from molediff.core.model import DiffusionModel
from molediff.core.noise import NoiseSpace
from molediff.core.path import Path
from molediff.core.target import Target
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.weights import load_weights

SHIPPED = FilePath(molediff.__file__).parent / "weights"


def find_weights(weights: str | FilePath) -> FilePath:
    """The file of shipped weights of this name, or the path given.

    Raises:
        FileNotFoundError: no weights of this name are shipped; the message says which are. Or it is no name at all.
    """
    if not isinstance(weights, str | FilePath) or not str(weights):
        raise FileNotFoundError(f"Weights are a name or the path of a .safetensors file; got {weights!r}.")
    path = FilePath(weights)
    if path.suffix == "" and path.name == str(weights) and not path.exists():
        path = SHIPPED / f"{weights}.safetensors"
        if not path.is_file():
            names = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.safetensors")))
            raise FileNotFoundError(
                f"No weights {weights!r} ({path} is missing): give one of the shipped names "
                f"({names or 'none found'}) or the path of a .safetensors file; if a shipped file is gone, "
                "install molediff again."
            )
    return path


def load_model(weights: str | FilePath) -> tuple[DiffusionModel, dict[str, Any]]:
    """Rebuild a model from a weights file: network, path, target, space, scale and prior are in its metadata.

    Args:
        weights: name of shipped weights, or path of a `.safetensors` file.

    Returns:
        The model, on the CPU, and the metadata.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not of a model of this version; the message names it.
    """
    path = find_weights(weights)
    state, metadata = load_weights(path)
    with _explained(path):
        config = metadata["config"]
        prior = config.get("prior")
        model = DiffusionModel(
            build(config["network"], nn.Module),
            build(config["path"], Path),
            build(config["target"], Target),
            build(config["space"], NoiseSpace),
            float(config["scale"]),
            None if prior is None else build(prior, HarmonicPrior),
        )
        model.load_state_dict(state)
    return model, metadata


def load_autoencoder(weights: str | FilePath) -> Autoencoder:
    """Rebuild an autoencoder from its weights file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not of an autoencoder of this version; the message names it.
    """
    path = find_weights(weights)
    state, metadata = load_weights(path)
    with _explained(path):
        autoencoder: Autoencoder = build(metadata["config"]["network"], Autoencoder)
        autoencoder.load_state_dict(state)
    return autoencoder


@contextmanager
def _explained(path: FilePath) -> Iterator[None]:
    """Turn whatever goes wrong in rebuilding a model from `path` into one clear sentence."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} does not hold a model that this version of molediff can build ({type(error).__name__}: {reason}): "
            "use weights of this version, or train anew."
        ) from error


def build(description: dict[str, Any], kind: type) -> Any:
    """The object of a description {"_target_": "molediff.<module>.<class>", argument: value, ...}.

    Only classes of this package that are a `kind` are built, so that a weights file cannot run anything else.

    Raises:
        TypeError: the description is of something else.
    """
    arguments = {key: _value(value) for key, value in description.items() if key != "_target_"}
    found = _named(description["_target_"])
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise TypeError(f"{description['_target_']} is not a {kind.__name__}")
    return found(**arguments)


def _named(name: str) -> Any:
    """What the dotted `name` means inside this package."""
    module, _, attribute = name.rpartition(".")
    if not f"{module}.".startswith("molediff."):
        raise TypeError(f"{name} is not part of molediff")
    return getattr(importlib.import_module(module), attribute)


def _value(value: Any) -> Any:
    """An argument: a value, a network, or a constant of this package, {"_target_": ..., "path": "molediff...."}."""
    if isinstance(value, dict) and value.get("_target_") == "hydra.utils.get_object":
        return _named(value["path"])
    if isinstance(value, dict) and "_target_" in value:
        return build(value, nn.Module)
    return tuple(value) if isinstance(value, list) else value
