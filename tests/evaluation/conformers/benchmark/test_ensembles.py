"""The benchmark of drug-like ensembles against molecules whose distances and energies are known."""

import json
from pathlib import Path

import numpy as np
import pytest
from places import DATA
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.conformers.benchmark.ensemble_metrics import ExcessEnergy, ensemble_metrics
from molediff.evaluation.conformers.benchmark.ensembles import contenders, measure
from molediff.evaluation.conformers.benchmark.rows import Contender, measure_row
from molediff.evaluation.conformers.evaluate import measure as measure_molecule
from molediff.evaluation.conformers.references import read_references
from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.minima import connectivity_key, read_keys
from molediff.molecules.energies.relax import relax_conformers


@pytest.fixture(scope="module")
def butanol() -> Chem.Mol:
    """Three minima of MMFF94s."""
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCCO"))
    rdDistGeom.EmbedMultipleConfs(mol, 3, randomSeed=2)
    relax_conformers(mol, "mmff")
    return mol


def returns_the_references(mol: Chem.Mol, *, moved: float = 0.0):
    """A method that returns them all, with one carbon moved along its longest axis."""

    def method(asked: Chem.Mol, num_conformers: int, seed: int) -> Chem.Mol:
        found = []
        for conformer in mol.GetConformers():
            x = conformer.GetPositions()
            x[0] += moved * (x[0] - x[1]) / np.linalg.norm(x[0] - x[1])
            found.append(x)
        return with_conformers(asked, found)

    return method


def test_references_themselves_are_covered_and_the_lowest_has_no_excess(butanol: Chem.Mol):
    metrics = ensemble_metrics("mmff", 3)
    contender = Contender("same", "rdkit", returns_the_references(butanol))
    figures = measure_row(contender, [butanol], 1, progress=False, metrics=metrics).figures
    assert figures["cov_recall_0.15"] == figures["cov_recall_0.75"] == 1
    assert figures["mat_recall_mean"] == pytest.approx(0, abs=1e-3)
    assert figures["cov_precision_0.15"] == 0.5  # three returned of the six asked for
    assert figures["excess_lowest"] == pytest.approx(0, abs=0.05)
    assert figures["strain_median"] == pytest.approx(0, abs=0.05)


def test_no_more_is_asked_for_than_allowed(butanol: Chem.Mol):
    asked = []

    def method(mol: Chem.Mol, num_conformers: int, seed: int) -> None:
        asked.append(num_conformers)

    contender = Contender("none", "rdkit", method)
    row = measure_row(
        contender, [butanol], 1, progress=False, metrics=ensemble_metrics(None, 1), most_conformers=4
    )
    assert asked == row.num_requested == [4]
    assert row.figures["num_failed"] == 1
    assert row.figures["cov_recall_0.75"] == 0


def test_a_stretched_bond_lies_above_the_lowest_minimum(butanol: Chem.Mol):
    stretched = returns_the_references(butanol, moved=0.1)(butanol, 3, 1)
    excess = ExcessEnergy("mmff", 2)(measure_molecule(butanol, stretched, 3, metrics=[]))
    assert excess.shape == (2,)
    assert (excess > 1).all()


def test_minima_of_gfn2_lie_at_its_lowest_reference(butanol: Chem.Mol):
    pytest.importorskip("tblite")
    relaxed = Chem.Mol(butanol)
    energies = relax_conformers(relaxed, "gfn2").energies
    excess = ExcessEnergy("gfn2", 3)(measure_molecule(butanol, relaxed, 3, metrics=[]))
    assert excess == pytest.approx(energies - energies.min(), abs=0.02)


def test_energies_of_another_name_are_refused():
    with pytest.raises(ValueError, match="must be 'aimnet2', 'gfn2', 'mmff' or None; got 'b3lyp'"):
        ensemble_metrics("b3lyp", 1)


def test_no_reference_is_among_the_molecules_trained_on():
    barred = read_keys(DATA / "benchmark_keys.txt.gz")
    references = read_references(DATA / "drugs_ensembles.sdf.gz")
    assert len(references) == 34
    assert sum(mol.GetNumConformers() for mol in references) == 1722
    assert all(connectivity_key(Chem.MolToSmiles(Chem.RemoveHs(mol))) in barred for mol in references)


def test_a_setting_of_null_leaves_a_row_out():
    names = [row.name for row in contenders(["ETKDGv3"], "qm9_fast", {"plain": {}, "other": None})]
    assert names == ["ETKDGv3", "molediff qm9_fast, plain"]


def test_a_whole_run_writes_its_table_picture_and_figures(tmp_path: Path, butanol: Chem.Mol, capsys):
    file = tmp_path / "minima.sdf"
    with Chem.SDWriter(str(file)) as writer:
        for conformer in butanol.GetConformers():
            writer.write(butanol, confId=conformer.GetId())
    asked = {
        "folder": str(tmp_path), "references": str(file), "num_molecules": None, "most_conformers": 4,
        "rivals": ["ETKDGv3"], "weights": "qm9_fast", "ours": {},
        "energies": {"method": "mmff", "num_conformers": 2, "num_relaxed": 0}, "seed": 1,
    }  # fmt: skip
    figures = measure(**asked)
    assert figures["num_references"] == 3
    assert figures["rows"][0]["excess_median"] > figures["rows"][0]["excess_lowest"] - 1e-6
    assert {path.name for path in tmp_path.iterdir()} >= {"table.txt", "ensembles.png", "figures.json"}
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
    assert measure(**asked, max_minutes=0) == figures  # the row is there already
    assert "1 molecule, 3 references" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="allow more"):
        measure(**{**asked, "seed": 2}, max_minutes=0)
