"""Average weights of one network, the second begun with the first: average_weights.py A B SHARE_OF_B OUTPUT.

A and B are names of weights that ship or `.safetensors` files. Between weights and what further training makes of them
lie others that keep more of what the first knew.
"""

import json
import sys
from pathlib import Path

from safetensors.torch import save

from molediff.commands.exits import code_of, sentence
from molediff.networks.pretrained import find_weights
from molediff.networks.weights import FORMAT, checksum, load_weights
from molediff.runtime.files import write_bytes


def average(first: str, second: str, share: float, output: str) -> None:
    """Write `share` of the second weights and the rest of the first, with what the second's file says of itself.

    Raises:
        ValueError: they are of two networks, or the share is not between 0 and 1.
        WeightsError: one of them cannot be read.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"SHARE_OF_B must be between 0 and 1; got {share:g}.")
    (before, its), (after, metadata) = (load_weights(find_weights(one)) for one in (first, second))
    if {name: one.shape for name, one in before.items()} != {name: one.shape for name, one in after.items()}:
        raise ValueError(f"{first} and {second} are weights of two different networks: give two of one.")
    tensors = {
        name: ((1 - share) * before[name] + share * one).half() if one.is_floating_point() else one
        for name, one in after.items()
    }
    metadata["averaged"] = {its["sha256"]: 1 - share, metadata.pop("sha256"): share}
    text = json.dumps(metadata)
    header = {"format": FORMAT, "sha256": checksum(tensors, text), "metadata": text}
    write_bytes(Path(output), save(tensors, metadata=header))


def main() -> None:
    if len(sys.argv) != 5:
        sys.exit("usage: scripts/average_weights.py A B SHARE_OF_B OUTPUT")
    first, second, share, output = sys.argv[1:]
    try:
        average(first, second, _number(share), output)
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
