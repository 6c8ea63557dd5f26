"""Choose crystal conformers to test on: `python scripts/build_crystal_set.py`. Keys: configs/build_crystal_set.yaml."""

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.crystal_set import build


@command("build_crystal_set")
def main(config: DictConfig) -> None:
    """Choose ligands, and write their conformers and the keys that no training set may hold."""
    print(
        build(
            config.source,
            config.ligands,
            config.barred,
            config.num,
            config.seed,
            config.output,
            config.inchikeys,
        )
    )


if __name__ == "__main__":
    main()
