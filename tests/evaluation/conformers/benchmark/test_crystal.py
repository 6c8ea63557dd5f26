"""The crystal benchmark against molecules whose distance is known."""

import json
import math

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.conformers.benchmark.crystal import (
    CrystalMolecule,
    CrystalRow,
    evenly,
    from_smiles,
    mean_distance,
    measure_crystal_row,
)
from molediff.evaluation.conformers.benchmark.crystal_run import (
    HEAD,
    line,
    load_row,
    measure,
    of_rivals,
    of_weights,
    save_row,
    table_of,
)
from molediff.evaluation.conformers.rivals import conforge, etkdg_spread
from molediff.molecules.conformers import with_conformers
from molediff.molecules.files.sdf import sdf_record

LACTAMIDE = "C[C@H](O)C(N)=O"
MIRRORED = "C[C@@H](O)C(N)=O"


def crystal(smiles: str, title: str = "1ABC_LIG") -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=4) == 0
    mol.SetProp("_Name", title)
    return mol


def knows(reference: Chem.Mol, *moved: float):
    """A method that returns the reference with its first heavy atom moved along x."""

    def method(mol: Chem.Mol, num_conformers: int, seed: int):
        positions = reference.GetConformer().GetPositions()
        found = []
        for distance in moved:
            x = positions.copy()
            x[0, 0] += distance
            found.append(x)
        return with_conformers(reference, found), ""

    return method


def row_of(*best: float, seconds: float = 1.0) -> CrystalRow:
    molecules = [
        CrystalMolecule("", 10, 3, int(math.isfinite(rmsd)), rmsd, 0, math.nan, seconds, "why")
        for rmsd in best
    ]
    return CrystalRow("method", 50, molecules, "run")


def test_the_nearest_conformer_counts():
    reference = crystal(LACTAMIDE)
    row = measure_crystal_row("m", knows(reference, 0.9, 0.0, 0.4), [reference], 3, seed=1)
    assert row.best_rmsd[0] < 1e-3
    assert (row.molecules[0].num_returned, row.molecules[0].title) == (3, "1ABC_LIG")
    far = measure_crystal_row("m", knows(reference, 0.9), [reference], 3, seed=1)
    # One of six atoms moved by 0.9: at most 0.9 sqrt(5) / 6 after the centres are aligned, and less after rotation.
    assert 0.05 < far.best_rmsd[0] < 0.9 * 5**0.5 / 6


def test_the_method_sees_the_stereo_and_no_coordinates():
    seen = []

    def method(mol, num_conformers, seed):
        seen.append((Chem.MolToSmiles(Chem.RemoveHs(mol)), mol.GetNumConformers(), num_conformers, seed))
        return None, "cannot"

    row = measure_crystal_row("m", method, [crystal(LACTAMIDE)], 50, seed=3)
    assert seen == [(LACTAMIDE, 0, 50, 3)]
    assert row.reasons == [("cannot", 1)]


def test_failures_are_infinitely_far_and_left_out_of_the_mean_alone():
    figures = row_of(0.4, 0.9, math.inf, 1.6).figures
    assert figures["rmsd_mean"] == pytest.approx((0.4 + 0.9 + 1.6) / 3)
    assert figures["rmsd_median"] == pytest.approx((0.9 + 1.6) / 2)
    assert [figures[f"below_{t}"] for t in ("0.5", "1", "1.5", "2")] == [0.25, 0.5, 0.5, 0.75]
    assert figures["num_failed"] == 1
    assert row_of(math.inf, 0.3, math.inf).figures["rmsd_median"] == math.inf


def test_wrong_stereo_and_too_many_conformers_are_counted():
    wrong = Chem.AddHs(Chem.MolFromSmiles(LACTAMIDE))
    mirror = crystal(MIRRORED)
    x = mirror.GetConformer().GetPositions()
    method = lambda mol, num, seed: (with_conformers(wrong, [x, x]), "")  # noqa: E731
    row = measure_crystal_row("m", method, [crystal(LACTAMIDE)], 2, seed=1)
    assert row.figures["wrong_stereo"] == 1.0
    over = measure_crystal_row("m", method, [crystal(LACTAMIDE)], 1, seed=1)
    assert over.figures["num_failed"] == 1
    assert "at most 1" in over.molecules[0].reason


def test_a_method_that_stumbles_has_failed_on_that_molecule_alone():
    def method(mol, num_conformers, seed):
        if mol.GetNumHeavyAtoms() > 4:
            raise RuntimeError("no")
        return crystal(Chem.MolToSmiles(Chem.RemoveHs(mol))), ""

    row = measure_crystal_row("m", method, [crystal(LACTAMIDE), crystal("CCO")], 5, seed=1)
    assert row.molecules[0].reason == "RuntimeError: no"
    assert row.molecules[1].num_returned == 1


def test_diversity_is_the_mean_over_pairs():
    reference = crystal("CCO")
    x = reference.GetConformer().GetPositions()
    assert mean_distance(with_conformers(reference, [x, x])) == pytest.approx(0, abs=1e-4)
    assert math.isnan(mean_distance(reference))


def test_molecules_are_taken_evenly():
    assert evenly(list(range(9)), 3) == [0, 4, 8]
    assert evenly([1, 2], None) == evenly([1, 2], 5) == [1, 2]


def test_a_row_is_measured_once_for_its_settings(tmp_path):
    row = row_of(0.4, math.inf)
    save_row(tmp_path / "row.json", {"seed": 1}, row)
    again = load_row(tmp_path / "row.json", {"seed": 1})
    assert again.figures["rmsd_median"] == math.inf
    np.testing.assert_array_equal(again.best_rmsd, row.best_rmsd)
    assert load_row(tmp_path / "row.json", {"seed": 2}) is None
    assert load_row(tmp_path / "none.json", {}) is None


def test_the_table_says_what_it_counts():
    text = table_of([row_of(0.4, math.inf)])
    assert "50.0" in text
    assert "failure is infinitely far" in text
    assert len(line(row_of(0.4))) == len(HEAD)


def test_spread_of_etkdg_is_chosen_from_four_times_as_many():
    mol = etkdg_spread(from_smiles(crystal("OCCCCCN")), 5, seed=1)
    assert mol.GetNumConformers() == 5
    with pytest.raises(ValueError, match="no rival is called 'OMEGA'"):
        list(of_rivals(["OMEGA"]))


def test_weights_fail_on_what_they_do_not_know_and_say_why():
    (contender,) = of_weights(["qm9_fast"], ["crystal"], {"strict": True})
    assert contender.name == "molediff qm9_fast, crystal"
    row = measure_crystal_row(contender.name, contender.method, [crystal("CCSC")], 2, seed=1)
    assert "not S" in row.molecules[0].reason
    known = measure_crystal_row(contender.name, contender.method, [crystal(LACTAMIDE)], 2, seed=1)
    assert known.molecules[0].num_returned == 2


@pytest.mark.parametrize("smiles", [LACTAMIDE, r"[H]/N=C(\C)c1ccccc1CC", "F/C=C/CCO"])
def test_conforge_keeps_atoms_and_stereo(smiles):
    pytest.importorskip("CDPL")
    row = measure_crystal_row("c", lambda *a: (conforge(*a), ""), [crystal(smiles)], 10, seed=1)
    assert row.figures["wrong_stereo"] == 0
    assert row.best_rmsd[0] < 1.0


def test_a_whole_run_writes_its_table_picture_and_figures(tmp_path, capsys):
    file = tmp_path / "two.sdf"
    mols = [crystal(LACTAMIDE, "1AAA_LAC"), crystal("OCCN", "2BBB_ETA")]
    file.write_text("".join(sdf_record(mol, -1, mol.GetProp("_Name"), {}) for mol in mols))
    asked = {
        "folder": str(tmp_path), "references": str(file), "num_molecules": None, "num_conformers": [3, 6],
        "rivals": ["ETKDGv3"], "ours": [], "presets": [], "options": {}, "seed": 1,
    }  # fmt: skip
    figures = measure(**asked)
    assert [(row["name"], row["num_conformers"]) for row in figures["rows"]] == [
        ("ETKDGv3", 3),
        ("ETKDGv3", 6),
    ]
    assert figures["rows"][1]["rmsd_mean"] <= figures["rows"][0]["rmsd_mean"]
    assert {path.name for path in tmp_path.iterdir()} >= {"table.txt", "crystal.png", "figures.json"}
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
    assert measure(**asked) == figures  # rows are kept, with their seconds
    assert "2 molecules of" in capsys.readouterr().out


def test_no_row_is_begun_when_the_time_is_up(tmp_path, capsys):
    file = tmp_path / "one.sdf"
    mol = crystal(LACTAMIDE)
    file.write_text(sdf_record(mol, -1, "1AAA_LAC", {}))
    asked = {
        "folder": str(tmp_path), "references": str(file), "num_molecules": None, "num_conformers": [3],
        "rivals": ["ETKDGv3"], "ours": [], "presets": [], "options": {}, "seed": 1,
    }  # fmt: skip
    with pytest.raises(RuntimeError, match="within max_minutes=0"):
        measure(**asked, max_minutes=0)
    assert "left out, as the time is up: ETKDGv3, 3" in capsys.readouterr().out
    figures = measure(**asked)
    asked["num_conformers"] = [3, 4]
    assert measure(**asked, max_minutes=0) == figures
