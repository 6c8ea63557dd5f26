"""Draw samples: `python scripts/sample.py 'CCO' output=out.sdf`, or `sample=images`. Keys: configs/sample/."""

from hydra.core.hydra_config import HydraConfig

from molediff.commands.configured import DictConfig, call, command


@command("sample", takes_arguments=True)
def main(config: DictConfig, words: list[str]) -> None:
    """Draw samples and write them; of molecules, what is not key=value names them: a SMILES, or a file."""
    kind = HydraConfig.get().runtime.choices["sample"]
    if kind != "molecules" and words:
        raise ValueError(f"{kind} take key=value settings alone, such as seed=7; got {words[0]!r}")
    if call(config, **({"sources": words} if kind == "molecules" else {})) == 0:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
