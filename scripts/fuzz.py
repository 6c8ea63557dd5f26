"""Give the generator many odd inputs, and stop at the first that breaks a promise: scripts/fuzz.py [NUMBER] [SEED]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fuzz_inputs import attack


def main() -> None:
    number, seed = ([int(word) for word in sys.argv[1:]] + [100_000, 1][len(sys.argv) - 1 :])[:2]
    for done, statuses, memory in attack(number, seed):
        print(f"{done} inputs: {dict(statuses)}, {memory / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
