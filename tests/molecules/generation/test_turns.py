"""When the network turns bonds of what it refines."""

import numpy as np
import pytest
import torch

from molediff.molecules.generator import ConformerGenerator


@pytest.mark.parametrize(("init", "turns"), [("minima", True), ("crystal", False), ("etkdg", True)])
def test_torsions_drawn_as_crystals_have_them_are_not_turned(init: str, turns: bool):
    generator = ConformerGenerator.from_pretrained("drugs", device="cpu")
    before = generator.generate("CCOc1ccccc1NC(C)=O", 2, seed=1, init=init).ensemble.coordinates
    with torch.no_grad():
        for head in generator.model.network.turn_heads.values():
            for parameter in head.gate[-1].parameters():
                parameter.zero_()
    after = generator.generate("CCOc1ccccc1NC(C)=O", 2, seed=1, init=init).ensemble.coordinates
    assert (not np.array_equal(before, after)) is turns
