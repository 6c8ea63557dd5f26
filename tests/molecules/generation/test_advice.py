"""What is advised where conformers are missing: nothing that was seen to be of no use."""

import re

import numpy as np
import pytest
from fake_generators import knowing
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.generator import ConformerGenerator

GLYCINE = "[NH3+]CC(=O)[O-]"


@pytest.fixture(scope="module")
def auto():
    return ConformerGenerator.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def drugs():
    return ConformerGenerator.from_pretrained("drugs", device="cpu")


class Never:
    """Rejects whatever is drawn."""

    name, remedy = "never", ""

    def __init__(self, mol):
        pass

    def passes(self, x):
        return np.zeros(len(x), dtype=bool)


def test_many_samples_that_all_failed_speak_against_more():
    """Ten in a row, of weights that draw from noise."""
    few, many = (
        knowing("CCO").generate("CCO", 2, num_steps=1, max_attempts=n, checks=[Never]).reason for n in (4, 5)
    )
    assert few.endswith("(rejected: never 8): try more num_steps or max_attempts")
    assert many.endswith("try more num_steps or the weights 'qm9', as more max_attempts would hardly help")


def test_what_passes_now_and_then_comes_with_more():
    generator = knowing("CCO", spoil=lambda x_0, x_t: x_0 * (3.0 if int(x_t.abs().sum() * 1e4) % 4 else 1.0))
    result = generator.generate("CCO", 8, num_steps=1, max_attempts=2)
    assert 0 < result.num_conformers < 8
    assert result.num_drawn > 10
    assert result.reason.endswith("try more num_steps or max_attempts")


class FirstAlone(Never):
    """Rejects all but the first sample of a molecule."""

    def __init__(self, mol):
        self.num = 0

    def passes(self, x):
        numbers = np.arange(self.num, self.num + len(x))
        self.num += len(x)
        return numbers == 0


def test_where_only_the_first_structures_were_good_other_seeds_have_others(drugs):
    """Nothing passes that begins with later embeddings."""
    result = drugs.generate("CN1CCN(C(=O)c2ccc(Br)cc2)CC1", 6, seed=1, checks=[FirstAlone])
    assert result.samples[:, 1].tolist() == [0]
    assert result.reason.endswith("try another seed, as more max_attempts would hardly help")


class EverySecond(FirstAlone):
    """Rejects every other sample of a molecule."""

    def passes(self, x):
        numbers = np.arange(self.num, self.num + len(x))
        self.num += len(x)
        return numbers % 2 == 0


def test_a_group_that_no_weights_know_is_named_so_though_a_force_field_has_it(drugs):
    """A phosphorane: the network fails at its five-coordinate phosphorus every time."""
    result = drugs.generate("CP(C)(C)(C)C", 6, seed=1, checks=[EverySecond])
    assert 0 < result.num_conformers < 6
    assert "of a force field alone" in result.reason
    assert "no weights that ship are known to return such molecules" in result.reason
    assert "max_attempts" not in result.reason


def test_given_structures_end_likewise_each_time(drugs):
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCO"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    far = 30.0 * np.random.default_rng(1).normal(size=(mol.GetNumAtoms(), 3))
    mol.GetConformer().SetPositions(far)
    once, again = (drugs.generate(mol, 1, init="given", max_attempts=n).reason for n in (1, 2))
    assert "try more max_attempts" in once
    assert again.endswith("give other conformers to begin with, as more max_attempts would end likewise")


def test_protons_that_move_in_vacuum_are_named(auto):
    pytest.importorskip("tblite")
    result = auto.generate(GLYCINE, 2, seed=1, relax="gfn2")
    assert (result.status, result.num_rejected) == ("failed", {"relaxation": 2})
    assert re.search(
        r"in vacuum a proton \(atom [678]\) moves from N \(atom 0\) to O \(atom 4\): give the", result.reason
    )
    assert result.reason.endswith("or leave relax out")


def test_energies_of_a_zwitterion_come_with_a_word_of_its_proton(auto):
    assert "a zwitterion whose proton may move" in auto.generate(GLYCINE, 1, seed=1, energies="mmff").reason
    assert "zwitterion" not in auto.generate(GLYCINE, 1, seed=1).reason
    assert "zwitterion" not in auto.generate("NCC(=O)O", 1, seed=1, energies="mmff").reason


def test_where_time_is_up_and_no_embedding_came_the_stereo_is_named(drugs):
    """Quinine with the bridgehead nitrogen of the other hand."""
    quinine = "COc1ccc2nccc([C@@H](O)[C@@H]3C[C@@H]4CC[N@]3C[C@@H]4C=C)c2c1"
    result = drugs.generate(quinine, 2, seed=1, timeout=1)
    assert result.status == "failed"
    assert "no embedding has the stereo asked for yet: check its marks" in result.reason
