"""Array jobs: shards hold every input once, and a merge gives the files of one run or says what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from molediff.molecules.files.export import export_conformers
from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.jobs.merge import merge_shards
from molediff.molecules.jobs.shards import Shard, export_shard, manifest_of, status_of

SMILES = ("CCO", "C", "[Xx]", "CC(N)=O", "O", "CCC", "N#N")
SETTINGS = {"weights": "qm9_fast", "seed": 3}


@pytest.fixture(scope="module")
def generate_many() -> Any:
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    return partial(generator.generate_many, num_conformers=2, seed=3)


def inputs(smiles: tuple[str, ...] = SMILES) -> Iterator[MoleculeInput]:
    return (MoleculeInput(text, f"m{number}") for number, text in enumerate(smiles))


def in_shards(folder: Path, generate_many: Any, of: int, suffix: str = ".sdf", **more: Any) -> Path:
    output = folder / f"out{suffix}"
    for number in range(1, of + 1):
        export_shard(inputs(), generate_many, output, Shard(number, of), {**SETTINGS, **more})
    return output


@pytest.mark.parametrize("words", ["0/4", "5/4", "4", "a/b", "1/0", "-1/3", "1.5/3"])
def test_a_shard_out_of_range_is_refused(words: str):
    with pytest.raises(ValueError, match="a shard is i/n"):
        Shard.parse(words)


@pytest.mark.parametrize("of", [1, 3, 20])
def test_every_input_is_in_one_shard(of: int):
    shards = [Shard(number, of) for number in range(1, of + 1)]
    assert [sum(shard.holds(index) for shard in shards) for index in range(13)] == [1] * 13


@pytest.mark.parametrize("of", [2, 9])
def test_merged_shards_are_the_files_of_one_run(of: int, generate_many: Any, tmp_path: Path):
    one = tmp_path / "one" / "out.sdf"
    export_conformers(inputs(), generate_many, one, status_of(one))
    output = in_shards(tmp_path, generate_many, of)
    summary = merge_shards(output)
    assert output.read_text() == one.read_text()
    with status_of(output).open() as merged, status_of(one).open() as whole:
        assert list(csv.reader(merged)) == list(csv.reader(whole))
    assert sum(summary.num_inputs.values()) == len(SMILES)


def test_parquet_shards_merge_in_the_order_of_the_inputs(generate_many: Any, tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    output = in_shards(tmp_path, generate_many, 3, ".parquet")
    summary = merge_shards(output)
    names = parquet.read_table(output).column("name").to_pylist()
    assert names == sorted(names)
    assert len(names) == summary.num_conformers


def test_a_missing_shard_is_noticed(generate_many: Any, tmp_path: Path):
    output = in_shards(tmp_path, generate_many, 3)
    manifest_of(Shard(2, 3).name_of(output)).unlink()
    with pytest.raises(ValueError, match="1 of 3 shards missing or not done: 2"):
        merge_shards(output)
    assert not output.exists()


def test_a_double_shard_is_noticed(generate_many: Any, tmp_path: Path):
    output = in_shards(tmp_path, generate_many, 2)
    first = Shard(1, 2).name_of(output)
    copy = tmp_path / "out.shard-01-of-2.sdf"
    copy.write_bytes(first.read_bytes())
    manifest_of(copy).write_bytes(manifest_of(first).read_bytes())
    with pytest.raises(ValueError, match="shard 1 is there twice"):
        merge_shards(output)


def test_shards_of_another_run_are_noticed(generate_many: Any, tmp_path: Path):
    output = in_shards(tmp_path, generate_many, 2)
    with pytest.raises(ValueError, match="seed: 3, now 4"):
        export_shard(inputs(), generate_many, output, Shard(1, 2), {**SETTINGS, "seed": 4})
    export_shard(inputs(), generate_many, output, Shard(1, 2), {**SETTINGS, "seed": 4}, overwrite=True)
    with pytest.raises(ValueError, match="of another run"):
        merge_shards(output)


def test_shards_of_other_inputs_are_noticed(generate_many: Any, tmp_path: Path):
    output = in_shards(tmp_path, generate_many, 2)
    export_shard(inputs(("CCO", "O")), generate_many, output, Shard(1, 2), SETTINGS, overwrite=True)
    with pytest.raises(ValueError, match="of another run"):
        merge_shards(output)


def test_a_cut_file_is_noticed(generate_many: Any, tmp_path: Path):
    output = in_shards(tmp_path, generate_many, 2)
    file = Shard(2, 2).name_of(output)
    file.write_text(file.read_text()[: len(file.read_text()) // 2])
    with pytest.raises(ValueError, match="fewer conformers than its table says"):
        merge_shards(output)
    assert not output.exists()


def test_a_shard_that_is_done_is_not_done_again(generate_many: Any, tmp_path: Path):
    output = in_shards(tmp_path, generate_many, 2)

    def not_again(molecules: Iterator[Any]) -> Any:
        raise AssertionError("it was done")

    assert export_shard(inputs(), not_again, output, Shard(1, 2), SETTINGS).num_conformers > 0
