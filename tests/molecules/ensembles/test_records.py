"""A long run: what is kept, what goes on after a kill, and what is written."""

import gzip
import json

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.ensembles import records as ensemble_records
from molediff.molecules.ensembles.recipe import Recipe
from molediff.molecules.ensembles.records import (
    EnsembleRecord,
    EnsembleRecords,
    build_record,
    check_completeness,
    run_tasks,
    write_ensembles,
)
from molediff.molecules.ensembles.tasks import EnsembleTask, draw_tasks, own_tasks
from molediff.molecules.files.io import MoleculeInput
from molediff.runtime.processes import Outcome

TASKS = [EnsembleTask("a", "CCO"), EnsembleTask("b", "CO"), EnsembleTask("c", "C=O")]
RECIPE = Recipe(num_seeds=4)


def record(task: EnsembleTask, recipe: Recipe = RECIPE, num_minima: int = 2) -> EnsembleRecord:
    num_atoms = task.mol().GetNumAtoms()
    positions = np.random.default_rng(1).normal(size=(num_minima, num_atoms, 3)).round(4)
    energies, weights = [0.0, 0.7123][:num_minima], [0.77, 0.23][:num_minima]
    return EnsembleRecord(
        task.name, task.smiles, "", 1.0, energies, weights, ["ETKDG", "ring flip"][:num_minima],
        positions.tolist(), -1000.0, 4, 3, num_minima, 1, 2, {"not converged": 1},
    )  # fmt: skip


@pytest.fixture
def done(monkeypatch):
    """Run tasks here, without GFN2-xTB; the names that were done, in order."""
    names = []

    def here(function, items, num_processes, seconds_each=None):
        for item in items:
            names.append(item.name)
            yield Outcome(item, None if item.name == "b" else record(item), "its process died", 2.0)

    monkeypatch.setattr(ensemble_records, "as_completed", here)
    return names


def test_a_killed_run_neither_loses_nor_repeats_a_molecule(tmp_path, done):
    path = tmp_path / "records.jsonl"
    for finished in run_tasks(TASKS, EnsembleRecords(path, RECIPE), RECIPE):
        if finished.name == "a":
            break  # killed between two molecules
    with path.open("a") as file:
        file.write('{"name": "b", "smi')  # killed in the middle of a line
    records = EnsembleRecords(path, RECIPE)
    assert list(records.records) == ["a"]
    rest = list(run_tasks(TASKS, records, RECIPE))
    assert done == ["a", "b", "c"]
    assert [entry.name for entry in rest] == ["b", "c"]
    again = EnsembleRecords(path, RECIPE)
    assert list(again.records.values()) == [record(TASKS[0]), rest[0], rest[1]]
    assert list(run_tasks(TASKS, again, RECIPE)) == []


def test_a_failure_is_kept_with_its_reason_and_retried_if_asked(tmp_path, done):
    records = EnsembleRecords(tmp_path / "records.jsonl", RECIPE)
    lines = [entry.line() for entry in run_tasks(TASKS, records, RECIPE)]
    assert lines[0] == "a CCO: 2 minima in 1.0 s (4 seeds, 3 relaxed, 1 not converged)"
    assert lines[1] == "b CO: failed after 2.0 s: its process died"
    assert list(run_tasks(TASKS, records, RECIPE)) == []
    assert [entry.name for entry in run_tasks(TASKS, records, RECIPE, retry_failed=True)] == ["b"]


def test_records_of_another_recipe_are_refused(tmp_path):
    path = tmp_path / "records.jsonl"
    EnsembleRecords(path, RECIPE)
    with pytest.raises(ValueError, match="begun with another recipe"):
        EnsembleRecords(path, Recipe(num_seeds=5))
    assert json.loads(path.read_text())["recipe"]["num_seeds"] == 4


@pytest.mark.parametrize("content", ['{"mine": 1}', "first line\nsecond line, which does not end"])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "records.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match="begun with another recipe"):
        EnsembleRecords(path, RECIPE)
    assert path.read_text() == content


def test_a_run_killed_in_its_first_line_begins_anew(tmp_path):
    path = tmp_path / "records.jsonl"
    EnsembleRecords(path, RECIPE)
    whole = path.read_text()
    path.write_text(whole[:20])
    EnsembleRecords(path, RECIPE)
    assert path.read_text() == whole


@pytest.mark.parametrize("suffix", [".sdf", ".sdf.gz"])
def test_ensembles_are_written_with_energies_weights_and_sources(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    failed = EnsembleRecord("x", "C", "no", 0.0, [], [], [], [], 0.0, 0, 0, 0, 0, 0, {})
    write_ensembles(path, [record(TASKS[0]), failed, record(TASKS[2])], {"method": "GFN2-xTB"})
    content = gzip.decompress(path.read_bytes()) if suffix == ".sdf.gz" else path.read_bytes()
    supplier = Chem.SDMolSupplier()
    supplier.SetData(content.decode(), removeHs=False)
    mols = list(supplier)
    assert [mol.GetProp("_Name") for mol in mols] == ["a", "a", "c", "c"]
    assert mols[1].GetPropsAsDict() == {
        "SMILES": "CCO",
        "GFN2_kcal_per_mol": 0.712,
        "boltzmann_weight": 0.23,
        "source": "ring flip",
        "method": "GFN2-xTB",
    }
    np.testing.assert_allclose(
        mols[1].GetConformer().GetPositions(), record(TASKS[0]).positions[1], atol=1e-4
    )


def test_completeness_compares_half_the_seeds_with_all():
    records = [
        record(TASKS[0]),
        record(TASKS[1], num_minima=1),
    ]  # the first half of the seeds found one of each
    found = check_completeness(records)
    assert (found.num_low, found.num_low_by_half, found.num_changed, found.num_molecules) == (3, 2, 1, 2)
    assert found.growth == pytest.approx(0.5)
    assert found.num_low_direct == 4


def test_tasks_are_drawn_by_a_seed_over_the_whole_split(qm9_rows):
    drawn = draw_tasks(qm9_rows, "train", 10, seed=1)
    assert len({task.smiles for task in drawn}) == 10
    shorter = draw_tasks(qm9_rows, "train", 4, seed=1)
    assert [task.name for task in drawn[:4]] == [task.name for task in shorter]
    assert [task.name for task in drawn] != [task.name for task in draw_tasks(qm9_rows, "train", 10, seed=2)]
    first = [qm9_rows.split("train").smiles(i) for i in range(10)]
    assert [task.smiles for task in drawn] != first
    with pytest.raises(ValueError, match="fewer than 1000"):
        draw_tasks(qm9_rows, "train", 1000, seed=1)


def test_own_molecules_keep_their_names_and_bad_ones_are_told():
    inputs = [MoleculeInput("OCC", "ethanol"), MoleculeInput("CCO", "again"), MoleculeInput("C(", "bad")]
    tasks, refused = own_tasks(inputs)
    assert [(task.name, task.smiles) for task in tasks] == [("ethanol", "CCO")]
    assert len(refused) == 1
    assert refused[0].startswith("bad: ")


def test_one_molecule_from_task_to_record():
    pytest.importorskip("tblite", reason="needs tblite: pip install 'molediff[xtb]'")
    found = build_record(EnsembleTask("w", "CO"), RECIPE)
    assert (found.reason, found.energies, found.weights, found.num_low) == ("", [0.0], [1.0], 1)
    assert np.shape(found.positions) == (1, 6, 3)


def test_a_name_that_another_molecule_had_is_done_again(tmp_path, done):
    first, other = EnsembleTask("w", "CO"), EnsembleTask("w", "CCO")
    records = EnsembleRecords(tmp_path / "r.jsonl", RECIPE)
    list(run_tasks([first], records, RECIPE))
    list(run_tasks([first], records, RECIPE))
    list(run_tasks([other], records, RECIPE))
    assert done == ["w", "w"]
    assert EnsembleRecords(tmp_path / "r.jsonl", RECIPE).records["w"].smiles == "CCO"


def test_a_recipe_is_the_same_with_whole_numbers(tmp_path):
    EnsembleRecords(tmp_path / "r.jsonl", Recipe(window=6))
    EnsembleRecords(tmp_path / "r.jsonl", Recipe(window=6.0))
    with pytest.raises(ValueError, match="another recipe"):
        EnsembleRecords(tmp_path / "r.jsonl", Recipe(window=7.0))


def test_records_from_before_there_was_a_choice_of_methods_go_on(tmp_path):
    path = tmp_path / "r.jsonl"
    EnsembleRecords(path, Recipe())
    head = json.loads(path.read_text().splitlines()[0])
    assert "method" not in head["recipe"]
    EnsembleRecords(path, Recipe(method="gfn2"))
    with pytest.raises(ValueError, match="another recipe"):
        EnsembleRecords(path, Recipe(method="aimnet2"))
