"""`molediff weights`: which weights there are, what is known of them, whether a file is good."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from molediff.commands.cards import as_text, card_of
from molediff.commands.options import Json
from molediff.commands.shell import Command, Group, app


class _Named(Group):
    """The card of weights that stand where a command does, as `molediff weights drugs`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named, or `info` of weights; what is nearly a command is told as elsewhere."""
        is_alone = all(word.startswith("-") for word in args[1:]) and not args[0].startswith("-")
        is_weights = is_alone and not difflib.get_close_matches(args[0], self.commands, n=1)
        return super().resolve_command(ctx, ["info", *args] if is_weights else args)


weights_app = app(
    cls=_Named,
    help="Trained weights: list them, tell about one, check a file. `molediff weights NAME` is info of that name.",
    no_args_is_help=True,
)

Name = Annotated[str, Argument(metavar="NAME", help="Name of weights that ship, or a .safetensors file.")]


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
        card = card_of(Path(facts["file"]))
        print(
            f"{name:{width}}  {facts['kind']:10}  {size:>7}  {card.use if card else facts['data'] or ''}".rstrip()
        )


@weights_app.command("info", cls=Command)
def info(name: Name, as_json: Json = False) -> None:
    """What weights are for: data, domain, training, figures, limits; without a card what the file says of itself."""
    from molediff.networks.pretrained import find_weights

    path = find_weights(name)
    facts, card = facts_of(path), card_of(path)
    if as_json:
        print(json.dumps({**facts, "card": asdict(card) if card else None}, indent=2, ensure_ascii=False))
        return
    print(as_text(path.stem, {**facts, "domain": domain_of(path)}, card))


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
    from safetensors import SafetensorError

    from molediff.runtime.weights_names import kind_of

    if not path.is_file():
        from molediff.networks.weights import NoSuchWeightsError

        raise NoSuchWeightsError(f"There is no weights file {path}: check the path.")
    try:
        metadata, sha256, parameters = _head(path)
        kind = kind_of(metadata.get("config") or {})
    except (SafetensorError, OSError, ValueError, AttributeError, TypeError) as error:
        from molediff.networks.weights import WeightsError

        raise WeightsError(f"{path} is not a readable weights file ({error}).") from None
    split = metadata.get("split")
    return {
        "kind": kind,
        "data": split.get("description") if isinstance(split, dict) else split,
        "parameters": parameters,
        "steps": metadata.get("steps"),
        "sampling": metadata.get("sampling"),
        "max_atoms": metadata.get("max_atoms"),
        "minutes": metadata.get("minutes"),
        "date": metadata.get("date"),
        "begun_with": metadata.get("begun_with"),
        "averaged": metadata.get("averaged"),
        "megabytes": path.stat().st_size / 1e6,
        "sha256": sha256,
        "file": str(path),
    }


def domain_of(path: Path) -> str | None:
    """What molecules readable weights know, in words; None where no domain is known."""
    from molediff.molecules.perception.domain import Domain, shipped_domain
    from molediff.networks.pretrained import SHIPPED

    written = _head(path)[0].get("domain")
    domain = Domain.from_json(written) if isinstance(written, str) else None
    if domain is None and path.parent == SHIPPED:
        domain = shipped_domain(path.stem)
    if domain is None:
        return None
    charges = ", ".join(f"{charge:+d}" if charge else "0" for charge in sorted(domain.charges))
    return (
        f"{', '.join(sorted(domain.elements))}; charges of atoms {charges}; at most {domain.num_heavy} heavy atoms; "
        f"{len(domain.surroundings):,} surroundings of bonds"
    )


def _head(path: Path) -> tuple[dict[str, Any], str | None, int]:
    """Metadata, checksum and number of parameters of a weights file."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        head = file.metadata() or {}
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 (not a dict)
    return json.loads(head.get("metadata", "{}")), head.get("sha256"), sum(map(_product, shapes))


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


def _product(shape: list[int]) -> int:
    number = 1
    for size in shape:
        number *= size
    return number
