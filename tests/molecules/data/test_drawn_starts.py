"""Structures that a refinement begins with, to train on."""

import numpy as np
from rdkit import Chem

from molediff.molecules.data.drawn_starts import NUM_EACH, DrawnStarts, draw_starts
from molediff.molecules.data.drugs import drugs_datamodule, is_held_out
from molediff.molecules.data.minima import Minima, connectivity_key, load_minima
from tests.fake_generators import embedded
from tests.in_process import run_script

SMILES = ["CC(O)CCc1ccccc1", "no molecule", "CCO"]


def test_structures_are_those_of_the_molecules_and_differ(tmp_path):
    starts, left_out = draw_starts(SMILES, seed=1)
    assert left_out == ["no molecule"]
    assert starts.smiles_list() == ["CC(O)CCc1ccccc1", "CCO"]
    num = sum(NUM_EACH.values())
    assert np.bincount(starts.molecule).tolist() == [num, num]
    again, _ = draw_starts(SMILES, seed=1)
    np.testing.assert_array_equal(starts.positions, again.positions)
    starts.save(tmp_path / "starts.npz")
    drawn = DrawnStarts(load_minima(tmp_path / "starts.npz").packed, num_starts=4, seed=3)
    assert len(drawn) == 2
    batch = drawn.batch([1, 0])
    assert batch.starts.shape == (2, 4, 25, 3)
    of_ethanol = batch.starts[0, :, :9].numpy()
    bonds = np.linalg.norm(of_ethanol[:, [0, 1]] - of_ethanol[:, [1, 2]], axis=-1)
    np.testing.assert_allclose(bonds, [[1.52, 1.42]] * 4, atol=0.06)
    assert len({x.round(3).tobytes() for x in batch.starts[1].numpy()}) == 4
    assert not batch.starts[0, :, 9:].any()


def test_a_file_of_them_takes_the_place_of_minima(tmp_path):
    """The validation molecules stay minima."""
    minima = ["CCO", "CCN"]
    held_out = "CCCC(C)C"
    smiles = [*minima, held_out]
    mols = [embedded(one) for one in smiles]
    x = [mol.GetConformer().GetPositions() for mol in mols]
    Minima.of(smiles, range(len(smiles)), x, [0.0] * len(smiles)).save(tmp_path / "minima.npz")
    draw_starts(["CCO"], seed=1)[0].save(tmp_path / "starts.npz")
    data = drugs_datamodule(
        str(tmp_path / "minima.npz"), num_starts=2, starts=str(tmp_path / "starts.npz"), most_pairs=500
    )
    _, graphs, _ = next(iter(data.train_dataloader()))
    assert len(data.train) == 1
    assert graphs.starts.shape == (1, 2, 9, 3)
    assert [data.val.smiles(i) for i in range(len(data.val))] == [held_out]


def test_script_takes_molecules_of_files_and_ions_but_none_that_is_withheld(tmp_path):
    smiles = ["CCN", "CCO"]
    x = [embedded(one).GetConformer().GetPositions() for one in smiles]
    Minima.of(smiles, range(2), x, [0.0] * 2).save(tmp_path / "minima.npz")
    others = ["C1CC1", "CC(C)O", "OCCO", "no molecule", "CC(=O)OC", "C1CC1"]
    (tmp_path / "others.smi").write_text("\n".join(others))
    (tmp_path / "withheld.txt").write_text("\n".join(map(connectivity_key, ["OCCO", "CCCC(C)C"])))
    words = ("minima=minima.npz", "num_ions=5", "others=[others.smi]", "excluded=[withheld.txt]")
    assert run_script("draw_starts.py", *words, "progress=false", "output=out.npz", folder=tmp_path) == 0
    assert sorted(Minima.read(tmp_path / "out.npz").smiles_list()) == sorted(
        ["CCN", "CCO", "CC[NH3+]", *(one for one in ("C1CC1", "CC(C)O", "COC(C)=O") if not is_held_out(one))]
    )
    assert run_script("draw_starts.py", "others=[gone.smi]", "minima=minima.npz", folder=tmp_path) != 0


def test_script_takes_cations_and_anions_of_molecules_that_have_both(tmp_path):
    smiles = [f"N{'C' * num}C(=O)O" for num in range(2, 8)]
    x = [embedded(one).GetConformer().GetPositions() for one in smiles]
    Minima.of(smiles, range(len(smiles)), x, [0.0] * len(smiles)).save(tmp_path / "minima.npz")
    words = ("minima=minima.npz", "num_molecules=0", "num_ions=6", "excluded=[]", "progress=false")
    for output in ("out.npz", "again.npz"):
        assert run_script("draw_starts.py", *words, f"output={output}", folder=tmp_path) == 0
    drawn, again = (Minima.read(tmp_path / name).smiles_list() for name in ("out.npz", "again.npz"))
    assert {Chem.GetFormalCharge(Chem.MolFromSmiles(one)) for one in drawn} == {-1, 1}
    assert drawn == again
