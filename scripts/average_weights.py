"""Average two weights files of one network, the second begun with the first: average_weights.py A B SHARE_OF_B OUTPUT.

Between weights and what further training makes of them lie others that keep more of what the first knew.
"""

import json
import sys
from pathlib import Path

from safetensors.torch import save

from molediff.networks.weights import FORMAT, checksum, load_weights
from molediff.runtime.files import write_bytes


def main() -> None:
    if len(sys.argv) != 5:
        sys.exit("usage: scripts/average_weights.py A B SHARE_OF_B OUTPUT")
    share = float(sys.argv[3])
    (first, its), (second, metadata) = (load_weights(path) for path in sys.argv[1:3])
    if {name: one.shape for name, one in first.items()} != {name: one.shape for name, one in second.items()}:
        sys.exit("These are weights of two different networks: give two of one.")
    tensors = {
        name: ((1 - share) * first[name] + share * one).half() if one.is_floating_point() else one
        for name, one in second.items()
    }
    metadata["averaged"] = {its["sha256"]: 1 - share, metadata.pop("sha256"): share}
    text = json.dumps(metadata)
    header = {"format": FORMAT, "sha256": checksum(tensors, text), "metadata": text}
    write_bytes(Path(sys.argv[4]), save(tensors, metadata=header))


if __name__ == "__main__":
    main()
