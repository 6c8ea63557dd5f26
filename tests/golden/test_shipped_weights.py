"""Shipped weights load, and give what they gave when they were shipped."""

import numpy as np
import pytest
from golden.measure import MEASURES, recorded

from molediff.networks.pretrained import SHIPPED

TOLERANCE = 2e-3
"""Angstrom, nats or grey level: processors add in another order, and a solver carries that on."""


def test_every_shipped_file_has_recorded_numbers():
    shipped = {file.stem for file in SHIPPED.glob("*.safetensors")}
    assert shipped == set(recorded()) == set(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_weights_give_the_recorded_numbers(name):
    expected, found = recorded()[name], MEASURES[name](name)
    assert list(found) == list(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(
            np.array(found[key]), np.array(values), rtol=0, atol=TOLERANCE, err_msg=key
        )
