"""Molecules beside those to train on: how often they come, and which never do."""

import gzip
import itertools
from collections import Counter

import numpy as np
import pytest
from places import DATA
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.data.beside import (
    MixedBatches,
    constitution,
    load_beside,
    smiles_of,
)
from molediff.molecules.data.datamodule import ensembles_datamodule, sdf_datamodule
from molediff.molecules.data.minima import connectivity_key, read_keys
from molediff.molecules.data.sdf import hash_split, load_sdf

SMALL = ["CCO", "CCN", "CCF", "COC", "C#CC"]


def write(path, smiles, num_conformers=1):
    with Chem.SDWriter(str(path)) as writer:
        for text in smiles:
            mol = Chem.AddHs(Chem.MolFromSmiles(text))
            for conformer in rdDistGeom.EmbedMultipleConfs(mol, num_conformers, randomSeed=1):
                writer.write(mol, confId=conformer)
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beside")
    return {
        "train": write(folder / "train.sdf", ["CCCCCO", "CCCCCN", "NCCCCO"], 4),
        "val": write(folder / "val.sdf", ["CCCCCF", "CCO"], 1),
        "small": write(folder / "small.sdf", SMALL, 3),
    }


def test_each_pass_takes_one_conformer_of_every_molecule(files):
    beside = load_beside([files["small"]], 0.5, [])
    batches = MixedBatches(np.full(12, 20), beside, 2, seed=3)
    other = [indices for source, indices in itertools.islice(batches, 400) if source == 1]
    a_pass = list(itertools.chain.from_iterable(other[:3]))
    molecules = beside.conformers.packed.molecule[beside.conformers.conformers]
    assert sorted(molecules[a_pass]) == sorted(set(molecules))
    seen = Counter(itertools.chain.from_iterable(other))
    assert len(seen) == len(beside.conformers)  # in time all of them


def test_some_molecules_come_several_times_a_pass(files, tmp_path):
    often = tmp_path / "often.smi"
    often.write_text("# weak\nOCC ethanol\nCCF\n")
    beside = load_beside([files["small"]], 0.5, [], often=str(often), often_times=3)
    batches = MixedBatches(np.full(12, 20), beside, 1)
    a_pass = itertools.islice((rows for source, (rows,) in batches if source == 1), 9)
    smiles, molecule = beside.conformers.packed.smiles_list(), beside.conformers.packed.molecule
    seen = Counter(smiles[molecule[row]] for row in a_pass)
    assert seen == {"CCO": 3, "CCF": 3, "CCN": 1, "COC": 1, "C#CC": 1}


def test_a_molecule_to_take_often_that_is_not_there_is_named(files, tmp_path):
    often = tmp_path / "often.smi"
    often.write_text("CCO\nCCCCCCC\n")
    with pytest.raises(ValueError, match=r"often\.smi names 1 molecules .* CCCCCCC first"):
        load_beside([files["small"]], 0.5, [], often=str(often))


def test_the_share_of_the_batches_is_as_asked_for(files):
    beside = load_beside([files["small"]], 0.25, [])
    sources = [source for source, _ in itertools.islice(MixedBatches(np.full(12, 20), beside, 4), 2000)]
    assert np.mean(sources) == pytest.approx(0.25, abs=0.03)


def test_a_resumed_run_goes_on_with_the_same_batches(files):
    beside = load_beside([files["small"]], 0.5, [])
    whole = list(itertools.islice(MixedBatches(np.full(12, 20), beside, 4, seed=2), 40))
    rest = list(itertools.islice(MixedBatches(np.full(12, 20), beside, 4, seed=2, start=15), 25))
    assert whole[15:] == rest


def test_what_is_held_out_or_withheld_is_not_trained_on(files, tmp_path):
    keys = tmp_path / "keys.txt.gz"
    keys.write_bytes(gzip.compress(connectivity_key("COC").encode() + b"\n"))
    data = ensembles_datamodule(files["train"], files["val"], 2, beside=[files["small"]], withheld=str(keys))
    assert sorted(smiles_of(data.beside.conformers)) == sorted({"CCN", "CCF", "C#CC"})
    assert data.notes == [f"{files['small']}: 2 molecules are held out and left out"]
    assert "20% of the batches" in data.split


def test_batches_of_both_parts_come_as_training_takes_them(files):
    data = ensembles_datamodule(files["train"], files["val"], 4, beside=[files["small"]], beside_share=0.5)
    sizes = set()
    for positions, graphs, mask in itertools.islice(data.train_dataloader(), 20):
        assert positions.shape[:2] == mask.shape == graphs.mask.shape
        assert (positions[~mask] == 0).all()
        sizes.update(mask.sum(1).tolist())
    assert min(sizes) == 7
    assert max(sizes) == data.train.num_atoms.max()


def test_one_s_own_structures_come_beside_those_of_a_folder(files, tmp_path):
    smiles = [f"{'C' * n}{end}" for n in range(3, 14) for end in ("O", "N", "F")]
    assert {"val", "test"} <= {hash_split(Chem.CanonSmiles(text)) for text in smiles}
    own = write(tmp_path / "own.sdf", smiles)
    data = sdf_datamodule(own, 4, beside=[files["small"], own], beside_share=0.1)
    held_out = {text for text in smiles if hash_split(Chem.CanonSmiles(text)) != "train"}
    assert not held_out & set(smiles_of(data.beside.conformers))


@pytest.mark.parametrize("share", [0, 1, -0.1, 20])
def test_a_share_that_is_none_is_refused(files, share):
    with pytest.raises(ValueError, match="beside_share"):
        load_beside([files["small"]], share, [])


def test_where_all_is_held_out_there_is_nothing_to_train_on(files):
    with pytest.raises(ValueError, match="all are held out"):
        load_beside([files["small"]], 0.2, [load_sdf(files["small"])])


def test_small_and_known_molecules_are_none_that_conformers_are_judged_by():
    """What `experiment=qm9_small` trains on, against the test and validation molecules and the public benchmarks."""
    names = ["ensembles_val", "ensembles_test"]
    held_out = {name: set(smiles_of(load_sdf(DATA / f"{name}.sdf.gz"))) for name in names}
    withheld = str(DATA / "benchmark_keys.txt.gz")
    files = [str(DATA / f"{name}.sdf.gz") for name in ("small_molecules", "known_molecules")]
    beside = load_beside(files, 0.3, [load_sdf(DATA / "ensembles_val.sdf.gz")], withheld)
    trained_on = smiles_of(beside.conformers)
    assert len(trained_on) > 600
    for smiles in held_out.values():
        assert not set(map(constitution, trained_on)) & set(map(constitution, smiles))
    keys = set(map(connectivity_key, trained_on))
    assert not keys & read_keys(withheld)
    assert not keys & set((DATA / "crystal_inchikey14.txt").read_text().split())
