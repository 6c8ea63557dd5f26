"""The benchmark of refiners, with one that leaves everything as it is."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.conformers.benchmark.refinement import (
    _by_molecule,
    _Contest,
    _crystals,
    _differences,
    _ensembles,
)
from molediff.molecules.generation import job
from tests.fake_generators import embedded
from tests.molecules.generation.test_starts import leaving_alone


@pytest.fixture(autouse=True)
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """RDKit's own conformers do not have the bonds and angles that are asked of ours."""
    monkeypatch.setattr(job, "standard_checks", lambda mol: [])


@pytest.fixture
def sdf(tmp_path: Path) -> str:
    path = tmp_path / "references.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for smiles, num in (("CCC(=O)OC", 3), ("C[C@H](O)c1ccccc1", 2)):
            mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
            rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=3)
            mol.SetProp("_Name", smiles)
            for conformer in mol.GetConformers():
                writer.write(mol, confId=conformer.GetId())
    return str(path)


def test_a_stretched_bond_is_seen_and_nothing_else():
    minimum = embedded("CC")
    mol = Chem.Mol(minimum)
    x = mol.GetConformer().GetPositions()
    axis = (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    side = [1, *(n.GetIdx() for n in mol.GetAtomWithIdx(1).GetNeighbors() if n.GetIdx() != 0)]
    x[side] += 0.1 * axis
    mol.GetConformer().SetPositions(x)
    found = _differences(mol, minimum)
    assert found["heavy bonds"] == pytest.approx(0.1)
    assert max(found[key] for key in ("hydrogen bonds", "heavy angles", "hydrogen angles")) < 1e-5


def test_records_of_one_title_are_one_molecule(sdf: str):
    assert [mol.GetNumConformers() for mol in _by_molecule(sdf)] == [3, 2]


def test_a_refiner_that_does_nothing_is_as_good_as_its_starts(sdf: str):
    contest = _Contest(leaving_alone(), seed=3)
    by_name = {row["method"]: row for row in _ensembles(contest, sdf, most_samples=4, threshold=0.5)}
    assert by_name["ETKDGv3 + refiner"]["MAT-R"] == pytest.approx(by_name["ETKDGv3"]["MAT-R"], abs=1e-4)
    assert by_name["ETKDGv3"]["molecules"] == 2


def test_crystals_are_found_by_what_embeds_them(sdf: str):
    rows = _crystals(_Contest(leaving_alone(), seed=3), sdf, num_molecules=5, num_conformers=3)
    assert [row["method"] for row in rows] == ["ETKDGv3", "ETKDGv3 + MMFF94s", "ETKDGv3 + refiner"]
    assert rows[0]["molecules"] == 5
    assert rows[0]["failures"] == 0
    assert rows[0]["mean"] < 1.0
