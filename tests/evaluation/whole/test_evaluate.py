"""What is counted of whole molecules, and the report of a small model."""

import json
import math
from dataclasses import replace

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.whole.evaluate import measure_generated, measure_mols, training_of
from molediff.evaluation.whole.page import (
    CHECKED_HEAD,
    DATA,
    lookup_rows,
    whole_metrics,
    whole_page,
    whole_text,
)
from molediff.evaluation.whole.physics import checked_cells, plausibility_of
from molediff.molecules.whole.result import NewMolecule


def mol_of(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    return mol


@pytest.fixture(scope="module")
def training():
    mols = [mol_of(smiles) for smiles in ("CCO", "CC", "C=O")]
    return training_of(mols.__getitem__, 3, 3)


def made(smiles, number=0):
    return NewMolecule(number, smiles, mol_of(smiles), "ok", "", "", 1, num_evaluations=50)


def failed(fault, smiles=""):
    mol = Chem.MolFromSmiles(smiles) if smiles else None
    return NewMolecule(9, smiles, mol, "failed", fault, "why", 1, num_evaluations=45)


def test_failures_count_in_every_share(training):
    results = [made("CCO"), made("CCO"), made("CCC"), failed("valence"), failed("shape", "CCN")]
    found = measure_generated(results, training, seconds=10.0)
    assert found.faults == {"valence": 1, "shape": 1}
    assert found.molecule_stable == pytest.approx(3 / 5)
    assert found.valid == pytest.approx(3 / 5)
    assert found.unique == pytest.approx(2 / 3)
    assert found.novel == pytest.approx(1 / 2)
    assert found.valid_unique_novel == pytest.approx(1 / 5)
    assert found.graph_valid == pytest.approx(4 / 5)
    assert found.graph_unique == pytest.approx(3 / 4)
    assert found.graph_novel == pytest.approx(2 / 3)
    assert found.evaluations == pytest.approx(48)
    assert found.seconds == pytest.approx(2.0)


def test_training_molecules_are_not_novel(training):
    found = measure_mols([mol_of("CC"), mol_of("C=O")], training)
    assert found.novel == found.graph_novel == 0
    assert found.molecule_stable == 1


def test_nothing_to_measure_is_said(training):
    with pytest.raises(ValueError, match="nothing to measure"):
        measure_generated([failed("valence")], training, 1.0)


def test_the_report_shows_the_row_of_data_and_all_figures(training):
    rows = {DATA: measure_mols([mol_of("CCO")], training), "model": measure_mols([mol_of("CC")], training)}
    rows["model"] = replace(rows["model"], faults={"fragments": 3})
    page = whole_page(rows, {"weights": "w"}, {})
    assert DATA in page
    assert "fragments 3" in page
    assert all(cell in page for cell in lookup_rows(rows)[1])
    json.dumps(whole_metrics(rows, {}), allow_nan=False)
    assert whole_text(rows).count("| model |") == 2


def test_the_frechet_distance_is_told_only_of_a_reference_with_features(training):
    pytest.importorskip("fcd")
    mols = [mol_of(smiles) for smiles in ("CCO", "CC", "C=O", "CCC")]
    known = training_of(mols.__getitem__, 4, 4, with_features=True)
    same, other = measure_mols(mols, known), measure_mols([mol_of("c1ccccc1F"), mol_of("CCO")], known)
    assert same.fcd == pytest.approx(0, abs=1e-3)
    assert other.fcd > same.fcd + 1
    assert math.isnan(measure_mols(mols, training).fcd)


def test_posebusters_says_what_is_wrong_with_a_shape():
    pytest.importorskip("posebusters")
    good, bad = mol_of("CCO"), mol_of("CCO")
    position = bad.GetConformer().GetAtomPosition(0)
    bad.GetConformer().SetAtomPosition(1, position)
    found = plausibility_of([good, bad])
    assert (found.num_molecules, found.passed) == (2, 0.5)
    assert "bond_lengths" in found.failed
    assert checked_cells(found, None) == ["2", "50.0", "", "", "", "", ""]
    assert len(CHECKED_HEAD) == 1 + len(checked_cells(found, None))
