"""Similarities of fingerprints, of sets small enough to count."""

import pytest
from rdkit import Chem
from rdkit.DataStructs import TanimotoSimilarity

from molediff.evaluation.whole.metrics.similarity import (
    fingerprints,
    internal_diversity,
    nearest_similarity,
)


@pytest.fixture
def three():
    return fingerprints(map(Chem.MolFromSmiles, ["CCO", "CCN", "c1ccccc1"]))


def test_the_nearest_of_data_counts(three):
    ethanol, amine, benzene = three
    assert nearest_similarity([ethanol], [ethanol, benzene]) == 1
    expected = (TanimotoSimilarity(ethanol, amine) + TanimotoSimilarity(benzene, amine)) / 2
    assert nearest_similarity([ethanol, benzene], [amine]) == pytest.approx(expected)


def test_diversity_counts_all_pairs_and_itself(three):
    assert internal_diversity(three[:1] * 4) == 0
    ethanol, _, benzene = three
    assert TanimotoSimilarity(ethanol, benzene) == 0
    assert internal_diversity([ethanol, benzene]) == pytest.approx(0.5)
