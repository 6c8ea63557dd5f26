"""The stream from inputs to files, with a stand-in for the generator."""

import csv

import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.molecules.files.export import export_conformers
from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.records import data_to_keep
from molediff.molecules.generation.result import GenerationResult
from molediff.runtime.interrupts import Terminated
from tests.molecules.files.test_io import water_result


def reads_ahead(molecules):
    """Water for all that is a string, in groups of three, as a batching generator would do it."""
    molecules = iter(molecules)
    while group := [molecule for _, molecule in zip(range(3), molecules, strict=False)]:
        for molecule in group:
            if isinstance(molecule, str):
                yield water_result(num_conformers=2, smiles=molecule)
            else:
                yield GenerationResult.failure("None", "not a molecule", 2, 7)


def test_every_input_has_its_row_in_order(tmp_path):
    inputs = [MoleculeInput(f"S{i}" if i != 3 else None, f"name {i}") for i in range(7)]
    summary = export_conformers(inputs, reads_ahead, tmp_path / "o.sdf", tmp_path / "s.csv", {})
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"name {i}" for i in range(7)]
    assert [row["smiles"] for row in rows] == ["S0", "S1", "S2", "", "S4", "S5", "S6"]
    assert [row["status"] for row in rows].index("failed") == 3
    assert "cannot be read" in rows[3]["reason"]
    assert summary.num_inputs == {"ok": 6, "partial": 0, "failed": 1}
    assert summary.num_conformers == 12 == len(Chem.SDMolSupplier(str(tmp_path / "o.sdf")))
    assert [name for name, _ in summary.failures] == ["name 3"]


def test_data_fields_of_an_input_go_on_to_its_records(tmp_path):
    """But for what holds for other conformers, and ours win where names are the same."""
    mol = embedded("O")
    fields = {
        "assay": "IC50\n  3 nM",
        "seed": "99",
        "pool": "b",
        "GFN2-xTB_kcal_per_mol": "1",
        "atom.prop.q": "1 2",
    }
    for name, value in fields.items():
        mol.SetProp(name, value)
    with Chem.SDWriter(str(tmp_path / "in.sdf")) as writer:
        writer.write(mol)
    (tmp_path / "in.csv").write_text("smiles,name,vendor,_Name,empty\nO,water,A <1>,x,\n")
    inputs = [item for name in ("in.sdf", "in.csv") for item in read_inputs([str(tmp_path / name)])]
    results = [water_result(), water_result()]
    export_conformers(
        inputs,
        lambda given: (r for r, _ in zip(results, given, strict=True)),
        tmp_path / "o.sdf",
        tmp_path / "s.csv",
    )
    *sdf, _, row = [record.GetPropsAsDict() for record in Chem.SDMolSupplier(str(tmp_path / "o.sdf"))]
    for record in sdf[:2]:
        assert (record["assay"], record["pool"], record["seed"]) == ("IC50\n  3 nM", "b", 7)
        assert not {"GFN2-xTB_kcal_per_mol", "atom.prop.q"} & {*record}
    assert row["vendor"] == "A <1>"
    assert not {"smiles", "name", "_Name", "empty"} & {*row}
    assert {item.name for item in read_inputs([str(tmp_path / "o.sdf")])} == {"in_1", "water"}


def test_of_a_record_that_was_written_here_nothing_of_how_it_was_made_goes_on():
    made = {"molediff": "0.1", "relax": "mmff", "attempt": "3", "assay": "4"}
    assert data_to_keep(made) == {"assay": "4"}
    assert data_to_keep({"relax": "by hand"}) == {"relax": "by hand"}


def test_results_are_written_as_they_come(tmp_path):
    """The generator may not be asked for the second result before the first is on its way to the file."""
    num_alive = []

    class Counted(GenerationResult):
        alive = 0

        def __del__(self):
            type(self).alive -= 1

    def generate_many(molecules):
        for molecule in molecules:
            Counted.alive += 1
            water = water_result(smiles=molecule)
            yield Counted(water.smiles, water.mol, "ok", "", 2, seed=1)
            num_alive.append(Counted.alive)

    inputs = (MoleculeInput("O", str(i)) for i in range(50))
    export_conformers(inputs, generate_many, tmp_path / "o.xyz", tmp_path / "s.csv", {})
    assert max(num_alive) <= 2


def test_a_crash_leaves_no_file(tmp_path):
    def generate_many(molecules):
        yield water_result(smiles=next(molecules))
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        export_conformers(
            [MoleculeInput("O", "w")], generate_many, tmp_path / "o.sdf", tmp_path / "s.csv", {}
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("num_done", [0, 4])
def test_an_interrupt_leaves_whole_records_and_says_so(tmp_path, num_done):
    def generate_many(molecules):
        for number, molecule in enumerate(molecules):
            if number == num_done:
                raise KeyboardInterrupt
            yield water_result(num_conformers=2, smiles=molecule)

    inputs = [MoleculeInput("O", f"name {i}") for i in range(7)]
    if num_done == 0:
        with pytest.raises(KeyboardInterrupt):
            export_conformers(inputs, generate_many, tmp_path / "o.sdf", tmp_path / "s.csv")
        assert list(tmp_path.iterdir()) == []
        return
    summary = export_conformers(inputs, generate_many, tmp_path / "o.sdf", tmp_path / "s.csv")
    assert (summary.interrupted, summary.num_inputs["ok"], summary.num_conformers) == (True, 4, 8)
    records = Chem.SDMolSupplier(str(tmp_path / "o.sdf"))
    assert [record.GetProp("_Name") for record in records] == [
        f"name {i}" for i in range(4) for _ in range(2)
    ]
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 1 + 4


def test_an_interrupted_run_leaves_what_was_there_where_it_has_another_name(tmp_path):
    def generate_many(molecules):
        yield water_result(smiles=next(molecules))
        raise Terminated

    for name in ("o.sdf", "s.csv"):
        (tmp_path / name).write_text("good")
    of = [MoleculeInput("O", "w")], generate_many, tmp_path / "o.sdf", tmp_path / "s.csv"
    summary = export_conformers(*of, interrupted_as=lambda path: path.with_name(f"part.{path.name}"))
    assert (summary.interrupted, summary.terminated) == (True, True)
    assert [(tmp_path / name).read_text() for name in ("o.sdf", "s.csv")] == ["good", "good"]
    assert (tmp_path / "part.o.sdf").read_text().count("$$$$") == 2
    assert len(list(tmp_path.iterdir())) == 4


def test_each_result_is_handed_on_with_its_name(tmp_path):
    seen = []
    inputs = [MoleculeInput("O", f"name {i}") for i in range(3)]
    export_conformers(
        inputs, reads_ahead, tmp_path / "o.sdf", tmp_path / "s.csv", each=lambda *of: seen.append(of)
    )
    assert [(result.smiles, name) for result, name in seen] == [("O", f"name {i}") for i in range(3)]


def test_a_reason_of_the_reader_reaches_the_table(tmp_path):
    def generate_many(molecules):
        for _ in molecules:
            yield GenerationResult.failure("None", "not a molecule", 2, 7)

    summary = export_conformers(
        [MoleculeInput(None, "x", "no orders")], generate_many, tmp_path / "o.sdf", tmp_path / "s.csv"
    )
    assert summary.failures == [("x", "no orders")]


@pytest.mark.parametrize(
    ("output", "message"), [("o.mol2", "mol2 is read, not written"), ("s.sdf", "cannot both go")]
)
def test_a_wrong_output_is_refused_before_work_begins(tmp_path, output, message):
    def generate_many(molecules):
        raise AssertionError("must not be called")

    with pytest.raises(ValueError, match=message):
        export_conformers([], generate_many, tmp_path / output, tmp_path / "s.sdf", {})


def export_water(folder, output, num_conformers=2):
    def generate_many(molecules):
        for molecule in molecules:
            yield water_result(num_conformers, smiles=molecule)

    return export_conformers([MoleculeInput("O", "w")], generate_many, folder / output, folder / "status.csv")


def test_without_a_conformer_there_is_a_table_and_no_empty_file(tmp_path):
    def generate_many(molecules):
        for molecule in molecules:
            yield GenerationResult.failure(molecule, "why", 1, 1)

    summary = export_conformers(
        [MoleculeInput("x", "x")], generate_many, tmp_path / "o.sdf", tmp_path / "s.csv"
    )
    assert summary.num_conformers == 0
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]


def test_without_an_input_nothing_is_written_or_moved(tmp_path):
    export_water(tmp_path, "a.sdf")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="no molecule"):
        export_conformers([], lambda molecules: [], tmp_path / "b.sdf", tmp_path / "status.csv")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_table_of_another_output_is_kept_under_a_number(tmp_path):
    assert export_water(tmp_path, "a.sdf").former_status is None
    assert export_water(tmp_path, "a.sdf").former_status is None  # the same pair, made anew
    first = (tmp_path / "status.csv").read_text()
    assert export_water(tmp_path, "b.sdf").former_status == tmp_path / "status.1.csv"
    assert (tmp_path / "status.1.csv").read_text() == first
    assert "b.sdf" in (tmp_path / "status.csv").read_text()
    (tmp_path / "status.csv").write_text("my own notes\n")
    assert export_water(tmp_path, "b.sdf").former_status == tmp_path / "status.2.csv"
    (tmp_path / "status.csv").write_text("x" * 200_000)  # longer than a field of a table may be
    assert export_water(tmp_path, "b.sdf").former_status == tmp_path / "status.3.csv"
    assert (tmp_path / "status.2.csv").read_text() == "my own notes\n"


def test_tables_of_outputs_that_come_in_turn_do_not_pile_up(tmp_path):
    for output in ("a.sdf", "b.sdf") * 3:
        export_water(tmp_path, output)
    assert sorted(path.name for path in tmp_path.glob("status*")) == [
        "status.1.csv",
        "status.2.csv",
        "status.csv",
    ]
