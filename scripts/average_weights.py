"""Averages weights of one network: `python scripts/average_weights.py BEFORE AFTER 0.75 mean.safetensors`."""

import argparse
import json
import sys
from pathlib import Path

from safetensors.torch import save

from molediff.commands.exits import code_of, sentence
from molediff.networks.pretrained import SHIPPED, find_weights
from molediff.networks.weights import FORMAT, checksum, load_weights
from molediff.runtime.files import write_bytes

DESCRIPTION = """\
Write the average of two weights files of one network, the second trained on from the first or both from the same.

Between weights and what further training makes of them lie others that keep more of what the first knew
(Wortsman et al. 2022). The file says of itself what B says, and in `averaged` the names, SHA-256 and shares of both;
`molediff weights info OUTPUT` shows them."""

EXAMPLES = """\
example, three parts of the weights after further training and one of those before:
  python scripts/average_weights.py qm9_distilled runs/more/weights.safetensors 0.75 mean.safetensors"""


def average(first: str, second: str, share: float, output: str) -> None:
    """Write `share` of the second weights and the rest of the first, with what the second's file says of itself.

    Raises:
        ValueError: they are of two networks, or the share is not between 0 and 1.
        WeightsError: one of them cannot be read.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"SHARE_OF_B must be between 0 and 1; got {share:g}.")
    files = [find_weights(one) for one in (first, second)]
    (before, its), (after, metadata) = map(load_weights, files)
    if {name: one.shape for name, one in before.items()} != {name: one.shape for name, one in after.items()}:
        raise ValueError(f"{first} and {second} are weights of two different networks: give two of one.")
    tensors = {
        name: ((1 - share) * before[name] + share * one).half() if one.is_floating_point() else one
        for name, one in after.items()
    }
    metadata["averaged"] = [
        {"name": _named(file), "sha256": sha256, "share": part}
        for file, sha256, part in zip(
            files, (its["sha256"], metadata.pop("sha256")), (1 - share, share), strict=True
        )
    ]
    text = json.dumps(metadata)
    header = {"format": FORMAT, "sha256": checksum(tensors, text), "metadata": text}
    write_bytes(Path(output), save(tensors, metadata=header))


def _named(file: Path) -> str:
    """Weights that ship by their name; a file with its folder, since that of every run has one name."""
    return file.stem if file.parent == SHIPPED else "/".join(file.resolve().parts[-2:])


def main() -> None:
    parser = argparse.ArgumentParser(
        "average_weights.py",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("A", help="weights that ship, such as qm9, or a .safetensors file")
    parser.add_argument("B", help="the others, of the same network")
    parser.add_argument("SHARE_OF_B", help="0 to 1: what B counts; A counts the rest")
    parser.add_argument(
        "OUTPUT", help="the file that is written, OUTPUT.safetensors; one of that name is replaced"
    )
    given = parser.parse_args()
    try:
        average(given.A, given.B, _number(given.SHARE_OF_B), given.OUTPUT)
    except (ValueError, OSError) as error:
        print(f"average_weights.py: error: {sentence(error)}", file=sys.stderr)
        sys.exit(code_of(error))


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"SHARE_OF_B must be a number between 0 and 1; got {word!r}.") from None


if __name__ == "__main__":
    main()
