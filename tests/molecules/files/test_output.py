"""What is written can be read, and gives the same numbers at the precision of its format."""

import gzip

import ase.io
import numpy as np
import pytest
from fake_generators import embedded, knowing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rdkit import Chem

import molediff
from molediff.molecules.conformers import with_conformers
from molediff.molecules.files.arrays import read_arrays
from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.output import OUTPUT_SUFFIXES, open_output
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.whole.result import NewMolecule

pytest.importorskip("pyarrow", reason="the extra 'tables' writes Parquet")

PRECISION = {".sdf": 1e-4, ".xyz": 1e-6, ".pdb": 1e-3, ".parquet": 0, ".npz": 0}
"""Angstrom: the last digit of each format."""

MOL = Chem.AddHs(Chem.MolFromSmiles("C[N+](C)(C)CC(=O)[O-]"))
NUM_ATOMS = MOL.GetNumAtoms()
# A reader tells bonds and stereo from the file, whatever the coordinates are; those of PDB need a molecule's own.
COORDINATES = arrays(np.float64, (3, NUM_ATOMS, 3), elements=st.floats(-99, 99, width=32))
ENERGIES = arrays(np.float64, 3, elements=st.floats(-1e5, 1e5, width=32))


def result_of(x, energies=None, smiles="C[N+](C)(C)CC(=O)[O-]"):
    return GenerationResult(
        smiles,
        with_conformers(MOL, x),
        "ok",
        "",
        len(x),
        seed=11,
        energies=energies,
        energy_method=None if energies is None else "GFN2-xTB",
        provenance={"weights": "qm9", "weights_sha256": "ab" * 32, "solver": "dpmpp_2m", "num_steps": 5},
        samples=np.array([[2, 0], [4, 1], [9, 0]]),
    )


def positions(path):
    """Coordinates of all conformers of a file, by the reader of each format."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".npz"):
        return np.concatenate([[c.GetPositions() for c in m.mol.GetConformers()] for m in read_arrays(path)])
    if name.endswith(".parquet"):
        from pyarrow import parquet

        return np.array(parquet.read_table(path)["coordinates_angstrom"].to_pylist())
    if name.endswith(".xyz"):
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            return np.stack([frame.positions for frame in ase.io.read(file, ":", format="extxyz")])
    return np.stack([item.molecule.GetConformer().GetPositions() for item in read_inputs([str(path)])])


@pytest.mark.parametrize("suffix", [suffix for suffix in OUTPUT_SUFFIXES if ".pdb" not in suffix])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=COORDINATES, energies=ENERGIES)
def test_coordinates_come_back_at_the_precision_of_the_format(tmp_path, suffix, x, energies):
    path = tmp_path / f"out{suffix}"
    assert molediff.write(result_of(x, energies), path) == 3
    precision = PRECISION[suffix.removesuffix(".gz")]
    np.testing.assert_allclose(positions(path), x, rtol=0, atol=precision / 2 + 1e-9)


@pytest.mark.parametrize(
    "smiles", ["c1ccncc1C#N", "C[N+](C)(C)CC(=O)[O-]", "OC[C@H](F)/C=C/Cl", "C", "[NH4+]"]
)
@pytest.mark.parametrize("suffix", [".pdb", ".pdb.gz", ".npz", ".parquet", ".sdf"])
def test_the_molecule_itself_comes_back(tmp_path, smiles, suffix):
    mol, path = embedded(smiles), tmp_path / f"out{suffix}"
    molediff.write([mol, mol], path, names=["one", "two"])
    if suffix == ".npz":
        found = [(saved.name, saved.mol) for saved in read_arrays(path)]
    else:
        found = [(item.name, item.molecule) for item in read_inputs([str(path)])]
    assert [name for name, _ in found] == ["one", "two"]
    for _, read in found:
        assert Chem.MolToSmiles(Chem.RemoveHs(read)) == Chem.CanonSmiles(smiles)
        x, expected = (m.GetConformer().GetPositions() for m in (read, mol))
        precision = 1e-4 if suffix == ".parquet" else PRECISION[suffix.removesuffix(".gz")]  # its mol block
        np.testing.assert_allclose(x, expected, rtol=0, atol=precision / 2 + 1e-9)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(energies=ENERGIES)
def test_energies_and_how_it_was_made_come_back(tmp_path, energies):
    result = result_of(np.zeros((3, NUM_ATOMS, 3)), energies)
    molediff.write(result, tmp_path / "a.sdf")
    with open_output(tmp_path / "a.npz") as writer:
        writer.write(result, "betaine")
    for k, record in enumerate(Chem.SDMolSupplier(str(tmp_path / "a.sdf"), removeHs=False)):
        found = record.GetPropsAsDict()
        assert found["GFN2-xTB_kcal_per_mol"] == pytest.approx(energies[k], abs=5.1e-5)
        assert found["relative_kcal_per_mol"] == pytest.approx(energies[k] - energies.min(), abs=5.1e-5)
        assert (found["seed"], found["sample"], found["attempt"]) == (11, [2, 4, 9][k], [0, 1, 0][k])
        assert (found["weights"], found["solver"], found["num_steps"]) == ("qm9", "dpmpp_2m", 5)
    (saved,) = read_arrays(tmp_path / "a.npz")
    np.testing.assert_array_equal(saved.energies, energies)
    np.testing.assert_array_equal(saved.samples, result.samples)
    assert (saved.name, saved.energy_method, saved.provenance["seed"]) == ("betaine", "GFN2-xTB", 11)
    assert saved.provenance["weights_sha256"] == "ab" * 32


def test_the_sample_of_a_record_is_drawn_again_by_its_number():
    """Ranked or pruned, a conformer keeps the number of its sample, and that alone with the seed gives it again."""
    generator = knowing("CCO")
    ranked = generator.generate("CCO", num_conformers=4, seed=5, energies="mmff", rank=True)
    plain = generator.generate("CCO", num_conformers=4, seed=5)
    assert sorted(ranked.samples[:, 0]) == [0, 1, 2, 3] == list(plain.samples[:, 0])
    again = plain.ensemble.coordinates[ranked.samples[:, 0]]
    np.testing.assert_allclose(ranked.ensemble.coordinates, again, atol=1e-4)


def test_a_parquet_file_is_a_table_with_units_in_its_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    result = result_of(np.zeros((3, NUM_ATOMS, 3)), np.array([1.0, 0.0, np.nan]))
    molediff.write([result, result], tmp_path / "a.parquet")
    table = pandas.read_parquet(tmp_path / "a.parquet")
    assert len(table) == 6
    np.testing.assert_array_equal(table["energy_kcal_per_mol"][:3], [1.0, 0.0, np.nan])
    assert table["sample"].tolist()[:3] == [2, 4, 9]
    assert table["atomic_numbers"][0].tolist() == [atom.GetAtomicNum() for atom in MOL.GetAtoms()]


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_what_fails_in_the_middle_leaves_the_old_file(tmp_path, suffix):
    def results():
        yield embedded("CO")
        raise RuntimeError("out of memory")

    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        molediff.write(results(), path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, b"old")]


@pytest.mark.parametrize("suffix", [".sdf.gz", ".npz", ".xyz"])
def test_the_same_conformers_give_the_same_file(tmp_path, suffix):
    for name in ("a", "b"):
        molediff.write(embedded("CO"), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".pdb", ".pdb.gz"])
def test_a_pdb_file_takes_no_second_molecule_and_stays_as_it_was(tmp_path, suffix):
    """Readers take all its models for conformers of the first."""
    path = tmp_path / f"a{suffix}"
    molediff.write([embedded("CO"), embedded("CO")], path)
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"holds one molecule.* \.sdf file, or each to a \.pdb file of its own"
    ):
        molediff.write([embedded("CO"), embedded("CN")], path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, before)]


@pytest.mark.parametrize(
    ("results", "names", "error", "message"),
    [
        ("CCO", None, TypeError, "takes results or Mols"),
        ([1], None, TypeError, "got int"),
        ([embedded("CO"), embedded("CO")], ["one"], ValueError, "fewer names"),
        ([embedded("CO")], "a", TypeError, "a list with a title for each result; got 'a'"),
        (GenerationResult.failure("X", "not a SMILES", 1, 0), None, ValueError, "X: not a SMILES"),
        ([], None, ValueError, "no conformer to write"),
    ],
)
def test_what_cannot_be_written_says_so_and_writes_nothing(tmp_path, results, names, error, message):
    with pytest.raises(error, match=message):
        molediff.write(results, tmp_path / "a.sdf", names=names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [suffix for suffix in OUTPUT_SUFFIXES if ".pdb" not in suffix])
def test_a_name_may_be_a_number_and_may_lack(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    molediff.write([embedded("CO"), embedded("CN")], path, names=[np.int64(17), None])
    if suffix == ".npz":
        assert [saved.name for saved in read_arrays(path)] == ["17", "CN"]
    elif ".xyz" not in suffix:
        assert [item.name for item in read_inputs([str(path)])] == ["17", "CN"]


def test_a_wrong_ending_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(ValueError, match=r"\.sdf, \.sdf\.gz, .* not as 'a\.cif'"):
        molediff.write(embedded("CO"), "a.cif")
    with pytest.raises(ValueError, match="mol2 is read, not written"):
        molediff.write(embedded("CO"), "a.mol2")


def test_a_new_molecule_is_written_as_a_result_is(tmp_path):
    mol = embedded("CCO")
    drawn = [NewMolecule(k, "CCO", mol if k else None, "ok" if k else "failed", "", "", 5) for k in range(3)]
    assert molediff.write(drawn, tmp_path / "a.sdf") == 2
    records = [record.GetPropsAsDict() for record in Chem.SDMolSupplier(str(tmp_path / "a.sdf"))]
    assert [(record["seed"], record["number"]) for record in records] == [(5, 1), (5, 2)]


def test_names_that_would_end_a_record_are_cleaned(tmp_path):
    for suffix in (".pdb", ".sdf", ".xyz", ".npz", ".parquet"):
        path = tmp_path / f"a{suffix}"
        molediff.write([embedded("CO"), embedded("CO")], path, names=["$$$$\nEND\nMODEL", "bad \udcff byte"])
        assert len(list(read_arrays(path))) == 2 if suffix == ".npz" else len(positions_or_none(path)) == 2


def positions_or_none(path):
    if path.suffix == ".xyz":
        return ase.io.read(path, ":")
    return [item.molecule.GetConformer().GetPositions() for item in read_inputs([str(path)])]
