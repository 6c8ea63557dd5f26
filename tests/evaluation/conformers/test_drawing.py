import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from e3nn import o3
from rdkit import Chem

from molediff.evaluation.conformers.drawing import aligned_copies, overlay_svg


def test_a_rotated_copy_lies_on_the_reference(embed):
    mol = embed("C[C@H](O)C#N")
    turned = Chem.Mol(mol)
    rotation = o3.rand_matrix().double().numpy()
    turned.GetConformer().SetPositions(mol.GetConformer().GetPositions() @ rotation.T + 4.0)
    pair = aligned_copies(mol, 0, turned, 0)
    positions = [copy.GetConformer().GetPositions() for copy in pair]
    np.testing.assert_allclose(positions[0], positions[1], atol=1e-3)
    assert positions[0].mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)


def test_the_hand_is_kept(embed):
    mol = embed("C[C@H](O)F")
    pictured = aligned_copies(mol, 0, mol, 0)[1]
    Chem.AssignStereochemistryFrom3D(pictured)
    assert Chem.MolToSmiles(Chem.RemoveHs(pictured)) == "C[C@H](O)F"


def test_picture_has_every_atom(embed):
    mol = embed("CCO")
    root = ElementTree.fromstring(overlay_svg(*aligned_copies(mol, 0, mol, 0)))
    assert len(root.findall(".//{*}circle")) == 9
    assert len(root.findall(".//{*}line")) == 8 + 2 * 8
