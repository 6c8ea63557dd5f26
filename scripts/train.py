"""The former way to say `molediff train`: `python scripts/train.py experiment=qm9_conformers max_minutes=110`."""

from molediff.commands.train import main

if __name__ == "__main__":
    main()
