"""Inputs of a run on many machines keep their ids, and rows that are missing, double or of another run are noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.jobs.staging import INPUTS, ROWS, check_rows, rows_of, stage
from molediff.molecules.jobs.work import SCHEMA, Work, table_of

parquet = pytest.importorskip("pyarrow.parquet")
SMILES = ("CCO", "[Xx]", "O", "CC(N)=O")
SETTINGS = {"seed": 1, "num_conformers": 2}


def inputs(smiles: tuple[str, ...] = SMILES) -> Iterator[MoleculeInput]:
    return (MoleculeInput(text, f"m{number}") for number, text in enumerate(smiles))


def write_rows(folder: Path, name: str, ids: list[int]) -> None:
    (folder / ROWS).mkdir(exist_ok=True)
    texts = [SMILES[number] for number in ids]
    rows = Work("qm9_fast", 2, seed=1, device="cpu").start().rows(ids, [f"m{n}" for n in ids], texts)
    parquet.write_table(table_of(rows), folder / ROWS / name)


def test_staged_inputs_have_their_places_as_ids(tmp_path: Path):
    mol = Chem.MolFromSmiles("CO")
    given = [*inputs(), MoleculeInput(mol, "a mol"), MoleculeInput(None, "unreadable")]
    assert stage(given, tmp_path, SETTINGS) == 6
    rows = parquet.read_table(tmp_path / INPUTS).to_pylist()
    assert [row["id"] for row in rows] == list(range(6))
    assert [row["smiles"] for row in rows] == [*SMILES, None, None]
    assert Chem.Mol(rows[4]["mol"]).GetNumAtoms() == 2
    assert rows[5]["mol"] is None


def test_the_same_run_goes_on_and_another_is_refused(tmp_path: Path):
    stage(inputs(), tmp_path, SETTINGS)
    assert stage(inputs(), tmp_path, SETTINGS) == len(SMILES)
    with pytest.raises(ValueError, match="a run with other settings"):
        stage(inputs(), tmp_path, {**SETTINGS, "seed": 2})
    with pytest.raises(ValueError, match="a run of other inputs"):
        stage(inputs(("CCO", "O")), tmp_path, SETTINGS)


def test_a_staging_that_was_cut_off_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / INPUTS).mkdir()
    (tmp_path / INPUTS / "part-000007.parquet").write_bytes(b"half of it")
    stage(inputs(), tmp_path, SETTINGS)
    assert [path.name for path in (tmp_path / INPUTS).iterdir()] == ["part-000000.parquet"]


def test_no_input_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no molecule"):
        stage(iter(()), tmp_path, SETTINGS)


def test_missing_and_double_rows_are_noticed(tmp_path: Path):
    stage(inputs(), tmp_path, SETTINGS)
    write_rows(tmp_path, "a.parquet", [0, 1, 2])
    with pytest.raises(ValueError, match=r"1 input with no row \(such as 3\)"):
        check_rows(tmp_path)
    write_rows(tmp_path, "b.parquet", [2, 3])
    with pytest.raises(ValueError, match=r"1 input with more than one \(such as 2\)"):
        check_rows(tmp_path)
    write_rows(tmp_path, "b.parquet", [3])
    check_rows(tmp_path)


def test_rows_are_the_results_by_the_schema(tmp_path: Path):
    write_rows(tmp_path, "a.parquet", [0, 1])
    ethanol, unknown = rows_of(tmp_path)
    assert list(ethanol) == list(SCHEMA)
    expected = ConformerGenerator.from_pretrained("qm9_fast", device="cpu").generate("CCO", 2, seed=1)
    found = np.array(ethanol["coordinates"]).reshape(2, 9, 3)
    np.testing.assert_allclose(found, expected.ensemble.coordinates, atol=1e-4)
    assert ethanol["atomic_numbers"] == expected.ensemble.atomic_numbers.tolist()
    block = Chem.MolFromMolBlock(ethanol["molblocks"][1], removeHs=False)
    np.testing.assert_allclose(block.GetConformer().GetPositions(), found[1], atol=1e-3)
    assert (unknown["status"], unknown["num_conformers"], unknown["molblocks"]) == ("failed", 0, [])
    assert unknown["reason"]
