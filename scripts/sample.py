"""Draw samples: `python scripts/sample.py 'CCO' output=out.sdf`, or `sample=images`. Keys: configs/sample/."""

from _cli import DictConfig, command
from hydra.utils import get_method


@command("sample", takes_arguments=True)
def main(config: DictConfig, words: list[str]) -> None:
    """Run the function of scripts/ that the group `sample` names; `words` are those that are not key=value."""
    get_method(config.run)(config, words)


if __name__ == "__main__":
    main()
