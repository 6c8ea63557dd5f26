import numpy as np
import pytest
from e3nn import o3

from molediff.evaluation.conformers.metrics.ring_planarity import ring_planarity


def hexagon(height: float) -> np.ndarray:
    """A regular hexagon whose atoms stand `height` above and below its plane in turn (a chair)."""
    angle = np.arange(6) * np.pi / 3
    return np.stack([1.4 * np.cos(angle), 1.4 * np.sin(angle), height * (-1) ** np.arange(6)], axis=-1)


@pytest.mark.parametrize("height", [0.0, 0.05, 0.25])
def test_chair_of_known_height(place, height):
    rotation = o3.rand_matrix().double().numpy()
    mol = place("C1CCCCC1", hexagon(height) @ rotation.T + 3.0)
    np.testing.assert_allclose(ring_planarity(mol)["6-ring"], [[height]], atol=1e-6)


def test_kinds(embed):
    mol = embed("C1CC1c1cnc[nH]1")
    assert sorted(ring_planarity(mol)) == ["aromatic 5-ring"]
    assert sorted(ring_planarity(embed("C1CC12COC2"))) == ["4-ring"]


def test_aromatic_ring_is_flat_in_each_conformer(embed):
    distances = ring_planarity(embed("Cc1ccccc1", num_conformers=3))["aromatic 6-ring"]
    assert distances.shape == (3, 1)
    assert (distances < 0.1).all()


def test_chain_has_no_rings(embed):
    assert ring_planarity(embed("CCO")) == {}
