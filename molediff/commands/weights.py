"""`molediff weights`: which weights there are, what is known of them, whether a file is good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from molediff.commands.options import Json
from molediff.commands.shell import Command, app

weights_app = app(help="Trained weights: list them, tell about one, check a file.", no_args_is_help=True)

Name = Annotated[str, Argument(metavar="NAME", help="Name of weights that ship, or a .safetensors file.")]

_KINDS = {"molecules": "conformers", "images": "images", "particles": "particles"}
_TASKS = {"autoencoder": "autoencoder", "categorical": "graphs", "torsions": "torsions"}
_FOR = {
    "digits": "handwritten digits, 8 x 8",
    "digits32": "handwritten digits, 32 x 32",
    "digits_latent": "the same, in the latents of an autoencoder",
    "drugs": "drug-like molecules: bonds and angles of AIMNet2 minima for a cheap guess",
    "drugs_torsions": "drug-like molecules: torsions that drugs begins with",
    "dw4": "four particles with a double-well pair potential",
    "lj13": "thirteen Lennard-Jones particles",
    "qm9": "up to nine of C N O F: all low minima of GFN2-xTB",
    "qm9_b3lyp": "up to nine of C N O F: one B3LYP geometry of each molecule",
    "qm9_distilled": "as qm9 in five jumps, nearer to minima",
    "qm9_fast": "as qm9 in three jumps, a smaller network",
    "qm9_graphs": "molecular graphs of up to nine of C N O F",
}
"""In short, of those that ship; docs/ has the rest."""
_SHOWN = ("kind", "data", "parameters", "steps", "sampling", "max_atoms", "minutes", "date", "sha256", "file")


@weights_app.command("list", cls=Command)
def list_weights(as_json: Json = False) -> None:
    """Names of the weights that ship, what they draw, and what they were trained on."""
    import molediff

    files = sorted((Path(molediff.__file__).parent / "weights").glob("*.safetensors"))
    found = {file.stem: facts_of(file) for file in files}
    if as_json:
        print(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for name, facts in found.items():
        size = f"{facts['megabytes']:.1f} MB"
        print(
            f"{name:{width}}  {facts['kind']:10}  {size:>7}  {_FOR.get(name) or facts['data'] or ''}".rstrip()
        )


@weights_app.command("info", cls=Command)
def info(name: Name, as_json: Json = False) -> None:
    """What a weights file says of itself: training, data, sampling, checksum."""
    from molediff.networks.pretrained import find_weights

    facts = facts_of(find_weights(name))
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    for key in _SHOWN:
        if facts.get(key) is not None:
            print(f"{key:11} {_words(facts[key])}")


@weights_app.command("check", cls=Command)
def check(file: Name, as_json: Json = False) -> None:
    """Read a weights file as sampling does: its checksum, and whether this version can build its network."""
    from molediff.networks.pretrained import find_weights

    path = find_weights(file)
    metadata = _loaded(path, facts_of(path))
    if as_json:
        print(json.dumps({"file": str(path), "good": True, "sha256": metadata["sha256"]}))
        return
    print(f"{path}: good, SHA-256 {metadata['sha256']}")


def facts_of(path: Path) -> dict[str, Any]:
    """What the head of a weights file says, without reading its tensors or loading torch.

    Raises:
        WeightsError: it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        from molediff.networks.weights import NoSuchWeightsError

        raise NoSuchWeightsError(f"There is no weights file {path}: check the path.")
    try:
        with safe_open(path, framework="numpy") as file:
            head = file.metadata() or {}
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 (not a dict)
        metadata = json.loads(head.get("metadata", "{}"))
        config = metadata.get("config") or {}
        kind = _kind_of(config)
    except (SafetensorError, OSError, ValueError, AttributeError, TypeError) as error:
        from molediff.networks.weights import WeightsError

        raise WeightsError(f"{path} is not a readable weights file ({error}).") from None
    split = metadata.get("split")
    return {
        "kind": kind,
        "data": split.get("description") if isinstance(split, dict) else split,
        "parameters": sum(_product(shape) for shape in shapes),
        "steps": metadata.get("steps"),
        "sampling": metadata.get("sampling"),
        "max_atoms": metadata.get("max_atoms"),
        "minutes": metadata.get("minutes"),
        "date": metadata.get("date"),
        "begun_with": metadata.get("begun_with"),
        "megabytes": path.stat().st_size / 1e6,
        "sha256": head.get("sha256"),
        "file": str(path),
    }


def _loaded(path: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """The metadata of weights that could be loaded as what they are."""
    from molediff.networks import pretrained

    if facts["kind"] in ("autoencoder", "torsions"):
        load = (
            pretrained.load_autoencoder if facts["kind"] == "autoencoder" else pretrained.load_torsion_prior
        )
        load(path)
        return facts
    build = pretrained.load_categorical if facts["kind"] == "graphs" else pretrained.load_model
    metadata: dict[str, Any] = build(path)[1]
    return metadata


def _kind_of(config: dict[str, Any]) -> str:
    if config.get("task") in _TASKS:
        return _TASKS[config["task"]]
    room = str((config.get("data") or {}).get("_target_", "")).split(".")
    return _KINDS.get(room[1] if len(room) > 1 else "", "unknown")


def _product(shape: list[int]) -> int:
    number = 1
    for size in shape:
        number *= size
    return number


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {value}" for key, value in value.items())
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
    )
