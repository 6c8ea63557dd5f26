import numpy as np
import pytest

from molediff.evaluation.conformers.evaluate import DATA_ROW, evaluate_methods
from molediff.evaluation.conformers.summary import failing_fractions, plausibility_fractions


@pytest.fixture(scope="module")
def evaluation():
    """Two molecules; the method returns one of two conformers of the first, and fails on the second."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    references = [Chem.AddHs(Chem.MolFromSmiles(smiles)) for smiles in ("C[C@H](O)C#N", "CCN")]
    for mol in references:
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    half = Chem.Mol(references[0])
    return evaluate_methods(
        references,
        {"half": [half, None], "whole": references},
        num_conformers=2,
        max_plausibility=2,
        progress=False,
    )


def test_fractions_are_of_what_was_asked_for(evaluation):
    """One right conformer of four."""
    summary = evaluation.summaries["half"]
    assert summary["num_failed"] == 1
    assert summary["num_returned"] == 1
    assert summary["num_requested"] == 4
    for key in ("returned", "connectivity", "stereo", "clash_free", "plausible", "cov_precision_0.5"):
        assert summary[key] == pytest.approx(0.25), key


def test_failed_molecule_is_not_covered_but_has_no_distance(evaluation):
    summary = evaluation.summaries["half"]
    assert summary["cov_recall_0.5"] == 0.5
    assert summary["mat_recall_mean"] == pytest.approx(0, abs=1e-4)


def test_distributions_compare_the_same_molecules(evaluation):
    """The amine that `half` failed on is not held against its bond lengths."""
    assert evaluation.summaries["half"]["bond_lengths_distance"] == 0
    assert evaluation.summaries["half"]["bond_angles_distance"] == 0


def test_figures_on_molecules_that_all_methods_solved(evaluation):
    assert evaluation.summaries["whole"]["num_solved_by_all"] == 1
    assert evaluation.summaries["whole"]["mat_recall_mean_solved_by_all"] == pytest.approx(0, abs=1e-4)


def test_nothing_to_average_is_not_a_number(evaluation):
    assert np.isnan(evaluation.summaries["half"]["diversity"])
    assert np.isnan(evaluation.summaries["half"]["wall_seconds_per_conformer"])


def test_each_check_of_posebusters(evaluation):
    _, half, whole = evaluation.methods
    assert plausibility_fractions(half)["bond_lengths"] == pytest.approx(0.25)
    assert plausibility_fractions(whole)["bond_lengths"] == pytest.approx(0.5)
    data = evaluation.methods[0]
    metrics = evaluation.metrics
    assert set(failing_fractions(data, evaluation.summaries[DATA_ROW], metrics).values()) == {0.0}
    failing = failing_fractions(half, evaluation.summaries["half"], metrics)
    assert failing["stereo"] == pytest.approx(0.75)
    assert "PoseBusters" not in failing
    assert failing["PoseBusters: bond lengths"] == pytest.approx(0.75)
