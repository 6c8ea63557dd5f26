"""Film of a molecule freezing out of noise: `python scripts/freeze.py 'OC[C@H](N)C=O'`. Keys: configs/freeze.yaml."""

from pathlib import Path

from _cli import DictConfig, command

from molediff import ConformerGenerator
from molediff.evaluation.conformers.film import freezing_strip, write_freezing_animation


@command("freeze", takes_arguments=True)
def main(config: DictConfig, molecules: list[str]) -> None:
    """Draw one conformer and write its trajectory as a strip (PNG) and an animation (GIF)."""
    if len(molecules) != 1:
        raise ValueError(f"name one molecule, as in freeze.py 'CCO'; got {len(molecules)}")
    generator = ConformerGenerator.from_pretrained(config.weights)
    result = generator.generate(
        molecules[0],
        num_conformers=1,
        seed=config.seed,
        solver="dpmpp_2m",  # as the equation of motion has it: a cooled state holds less noise than its time says
        num_steps=config.num_steps,
        grid=config.grid,
        trajectory=True,
    )
    if result.num_conformers == 0:
        raise ValueError(f"no conformer of {molecules[0]}: {result.reason}")
    if result.trajectory is None:
        raise ValueError(
            f"{molecules[0]} has too few atoms to freeze: one or two are placed without sampling"
        )
    path = generator.model.path
    output = Path(config.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    freezing_strip(result, path).savefig(f"{output}.png", dpi=150)
    write_freezing_animation(result, path, f"{output}.gif")
    print(f"{output.with_suffix('.png')} and {output.with_suffix('.gif')}")


if __name__ == "__main__":
    main()
