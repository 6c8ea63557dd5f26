"""`molediff train`: the words behind it go to Hydra."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from molediff.commands.shell import PROGRAM

EXAMPLES = """\
Examples:
  molediff train experiment=smoke                                    # a minute: does it run?
  molediff train experiment=qm9_conformers data=sdf data.path=mine.sdf name=mine max_minutes=100
"""


def train(words: Sequence[str]) -> None:
    """Train what the words say.

    Raises:
        ModuleNotFoundError: what training needs is not installed.
    """
    former = sys.argv
    sys.argv = [f"{PROGRAM} train", *words]
    try:
        if {"--help", "-h"} & {*words}:
            from molediff.commands.config_help import help_text

            print(help_text("train", words, "Build the parts that the config names and train.", False))
            return
        from molediff.runtime.extras import require

        require("pytorch_lightning", "Training")
        from molediff.commands.train import main

        main()
    finally:
        sys.argv = former
