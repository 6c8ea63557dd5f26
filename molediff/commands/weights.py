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
        print(f"{name:{width}}  {facts['kind']:10}  {size:>7}  {facts['data'] or ''}".rstrip())


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
    from molediff.networks.pretrained import find_weights, load_autoencoder, load_model

    path = find_weights(file)
    facts = facts_of(path)
    _, metadata = load_model(path) if facts["kind"] != "autoencoder" else (load_autoencoder(path), facts)
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

    try:
        with safe_open(path, framework="numpy") as file:
            head = file.metadata() or {}
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 (not a dict)
        metadata = json.loads(head.get("metadata", "{}"))
        config = metadata.get("config") or {}
        kind = _kind_of(config)
    except (SafetensorError, OSError, ValueError, AttributeError, TypeError) as error:
        from molediff.networks.weights import NoSuchWeightsError, WeightsError

        if not path.exists():
            raise NoSuchWeightsError(f"There is no weights file {path}: check the path.") from None
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


def _kind_of(config: dict[str, Any]) -> str:
    if config.get("task") == "autoencoder":
        return "autoencoder"
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
