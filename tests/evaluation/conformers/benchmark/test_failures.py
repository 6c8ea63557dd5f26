"""The benchmark of failures: what is counted of samples whose stereo is known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.benchmark.failures import Traits, fate_of, unseen_smiles
from molediff.evaluation.conformers.benchmark.failures_run import HEAD, grouped, line, measure
from molediff.evaluation.conformers.benchmark.raw_stereo import RawStereo, raw_stereo
from molediff.molecules.data.minima import Minima
from tests.fake_generators import knowing

LACTAMIDE = "C[C@H](O)C(N)=O"
TWO_CENTRES = "C[C@H](O)[C@@H](F)CC"


def in_a_mirror(x_0, x_t):
    return x_0 * x_0.new_tensor([-1.0, 1.0, 1.0])


def test_every_centre_of_a_mirror_image_is_wrong_and_counted_by_itself():
    assert raw_stereo(knowing(TWO_CENTRES), TWO_CENTRES, 3, seed=1) == RawStereo(3, 6, 0, 0, 0)
    mirrored = raw_stereo(knowing(TWO_CENTRES, spoil=in_a_mirror), TWO_CENTRES, 3, seed=1)
    assert mirrored == RawStereo(3, 6, 6, 0, 0)


def test_double_bonds_are_counted_and_molecules_without_stereo_are_not_drawn():
    generator = knowing("F/C=C/C")
    assert raw_stereo(generator, "F/C=C/C", 2, seed=1) == RawStereo(2, 0, 0, 2, 0)
    before = generator.model.network.evaluations
    assert raw_stereo(generator, "CCO", 2, seed=1) == RawStereo()
    assert generator.model.network.evaluations == before


def test_what_is_reflected_is_wrong_before_and_right_when_returned():
    fate = fate_of(knowing(LACTAMIDE, spoil=in_a_mirror), LACTAMIDE, 2, 1, {}, with_etkdg=True)
    assert (fate.num_returned, fate.num_wrong_returned, fate.etkdg) == (2, 0, 2)
    assert (fate.raw.num_centres, fate.raw.num_wrong_centres) == (2, 2)


def test_traits_are_read_off_the_molecule():
    mol = Chem.AddHs(Chem.MolFromSmiles(["C[C@H](CCC1CCCCCCCCCCC1)C(=O)[O-]", "[Na+]"][0]))
    traits = Traits.of(mol)
    assert (traits.num_centres, traits.largest_ring, traits.elements) == (1, 12, ())
    assert (traits.charge, traits.has_charges) == (-1, True)
    assert Traits.of(Chem.AddHs(Chem.MolFromSmiles("C[N+](=O)[O-]"))).charge == 0


def test_groups_add_up_and_say_what_failed():
    good = fate_of(knowing(LACTAMIDE), LACTAMIDE, 2, 1, {}, with_etkdg=False)
    bad = replace(good, num_returned=0, raw=RawStereo(2, 2, 1, 0, 0), num_drawn=10)
    groups = {group["name"]: group for group in grouped([good, bad])}
    assert groups["all"]["none"] == 0.5
    assert groups["all"]["wrong_centres"] == 0.25
    assert groups["all"]["drawn_again"] == 8 / 4
    assert groups["1 stereocentre"]["num_molecules"] == groups["no ring"]["num_molecules"] == 2
    assert "with Br" not in groups
    assert len(line(groups["all"])) == len(HEAD)


def test_molecules_of_training_are_left_out_in_any_stereoisomer(tmp_path: Path):
    file = tmp_path / "some.smi"
    file.write_text(f"{LACTAMIDE} one\nCCO two\nC[C@@H](F)Cl three\nno molecule\n")
    Minima(
        *(array for array in (_bytes("C[C@@H](O)C(N)=O\nCCCC"), *([_bytes("")] * 3)))
    ).save(tmp_path / "trained.npz")  # fmt: skip
    assert set(unseen_smiles(str(file), [str(tmp_path / "trained.npz")])) == {"CCO", "C[C@@H](F)Cl"}
    assert len(unseen_smiles(str(file), [])) == 3


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_a_run_goes_on_with_the_molecules_that_are_missing(tmp_path: Path):
    file = tmp_path / "some.smi"
    file.write_text("CCO\nCCN\nCC(C)O\n")
    asked = {
        "folder": str(tmp_path), "molecules": str(file), "trained": [], "weights": "qm9_fast", "options": {},
        "num_conformers": 2, "etkdg": True, "seed": 1,
    }  # fmt: skip
    with pytest.raises(RuntimeError, match="allow more"):
        measure(**asked, num_molecules=3, max_minutes=0)
    assert measure(**asked, num_molecules=2)["num_molecules"] == 2
    lines = (tmp_path / "molecules.jsonl").read_text().splitlines()
    found = measure(**asked, num_molecules=3)
    assert (tmp_path / "molecules.jsonl").read_text().splitlines()[:3] == lines
    assert found["groups"][0]["num_molecules"] == 3
    assert json.loads((tmp_path / "figures.json").read_text()) == found
    assert {path.name for path in tmp_path.iterdir()} >= {"table.txt", "failures.png"}
