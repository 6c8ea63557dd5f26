"""Relaxed samples bring along the noise from which they were drawn."""

import gzip
import re
from pathlib import Path

import pytest
import torch
from places import DATA
from rdkit import Chem

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.molecules.data.datamodule import relaxed_datamodule
from molediff.molecules.data.relaxed_samples import load_relaxed
from molediff.molecules.files.output import ConformerWriter
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare, sample_generator, sample_generators
from molediff.sampling.options import make_solver

SMILES = ["CCO", "C[C@H](O)C#N", "C1CC1"]


def write(
    path: Path, smiles: list[str] = SMILES, num_conformers: int = 1, relax: str | None = "mmff"
) -> Path:
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    with path.open("w") as file:
        writer = ConformerWriter(file, ".sdf")
        for result in generator.generate_many(smiles, num_conformers, 1, max_attempts=1, relax=relax):
            writer.write(result, result.smiles)
    return path


def test_the_same_noise_leads_to_the_same_sample(tmp_path: Path):
    """What was drawn, and here not relaxed, is drawn again from the noise of the records, in the batch of all."""
    # Those whose minima are known would be moved to them.
    unknown = ["CCOCCCC", "C[C@H](F)CCC#N", "CC1CCCC1=O"]
    path = write(tmp_path / "samples.sdf", unknown, relax=None)
    path.write_text(path.read_text().replace("<weights>", "<relax>"))
    samples = load_relaxed(path)
    assert len(samples) == 3
    batch = samples.batch(range(3))
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    model, plan = generator.model, generator.plan
    times = torch.cat([plan.grid(model.path, plan.num_steps - 1), torch.zeros(1)])
    assert batch.noise is not None
    assert batch.positions is not None
    noise = model.space.project(batch.noise, batch.mask)
    with torch.inference_mode():
        x = make_solver(plan.solver, None).sample(
            model.denoiser(batch),
            model.path,
            times,
            model.path.sigma(times[0]) * noise,
            None,
            model.space,
            batch.mask,
        )
    centred = ZeroCentreOfMass().project(batch.positions, batch.mask)
    torch.testing.assert_close(model.to_data(x), centred, rtol=0, atol=2e-3)


def test_records_that_name_no_noise_keep_that_of_torch(tmp_path: Path):
    """Files written before the noise of samples was counter-based, such as `data/relaxed_train.sdf.gz`."""
    path = write(tmp_path / "samples.sdf")
    new = load_relaxed(path)
    path.write_text(path.read_text().replace("<noise>", "<former>"))
    old = load_relaxed(path)
    for index, smiles in enumerate(SMILES):
        prepared = prepare(smiles)
        generator = sample_generator(1, prepared.key, conformer=0, attempt=0)
        assert torch.equal(old.noise(index), torch.randn((prepared.num_atoms, 3), generator=generator))
        by_counter = sample_generators(1, [(prepared.key, [0])]).normal((1, prepared.num_atoms, 3))[0]
        assert torch.equal(new.noise(index), by_counter)
    shipped = DATA / "relaxed_train.sdf.gz"
    assert b"<noise>" not in gzip.decompress(shipped.read_bytes())


def test_a_part_keeps_its_noise_and_a_compressed_file_is_the_same(tmp_path: Path):
    path = write(tmp_path / "samples.sdf")
    packed = tmp_path / "samples.sdf.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    whole, part = load_relaxed(path), load_relaxed(packed).subset([2, 0])
    assert torch.equal(part.noise(0), whole.noise(2))
    assert torch.equal(part.noise(1), whole.noise(0))
    assert not torch.equal(whole.noise(0), whole.noise(2))  # both of nine atoms


def test_the_last_molecules_are_held_out(tmp_path: Path):
    data = relaxed_datamodule(str(write(tmp_path / "samples.sdf")), num_validation=1)
    assert [data.train.smiles(i) for i in range(len(data.train))] == ["CCO", "C[C@H](O)C#N"]
    assert [data.val.smiles(i) for i in range(len(data.val))] == ["C1CC1"]
    assert len(data.reference_mols) == 1
    with pytest.raises(ValueError, match="hold out some and not all"):
        relaxed_datamodule(str(tmp_path / "samples.sdf"), num_validation=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("<seed>", "<sead>"), "Record 0 .* does not have seed"),
        (("<relax>", "<relaxed>"), "Record 0 .* does not have relax, which"),
        (("<conformer>  \n0\n", "<conformer>  \n1\n"), "Record 0 .* num_conformers=1"),
        (("<seed>  \n1\n", "<seed>  \none\n"), "Record 0 .* its seed 'one' cannot be read"),
        (("CCO\n", "CCN\n"), "Record 0 .* atoms are not those of its SMILES CCN"),
        (("  1  2  1  0\n  2  3  1  0\n", "  1  2  1  0\n  1  3  1  0\n"), "Record 0 .* in their order"),
        (("M  END", ""), "Record 0 .* RDKit cannot read it"),
    ],
)
def test_records_of_other_files_are_refused(tmp_path: Path, change: tuple[str, str], message: str):
    path = write(tmp_path / "samples.sdf", ["CCO"], 1)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ValueError, match=message):
        load_relaxed(path)


def test_a_missing_file_and_an_empty_one_are_named(tmp_path: Path):
    (tmp_path / "empty.sdf").touch()
    with pytest.raises(ValueError, match=r"empty\.sdf has no record"):
        load_relaxed(tmp_path / "empty.sdf")
    with pytest.raises(FileNotFoundError, match=r"no file nowhere\.sdf"):
        load_relaxed("nowhere.sdf")


def constitutions(name: str) -> set[str]:
    """The molecules of a file of data/, without their stereo."""
    content = gzip.decompress((DATA / name).read_bytes()).decode()
    smiles = set(re.findall(r"^>  <SMILES>.*\n(.*)$", content, re.MULTILINE))
    return {Chem.CanonSmiles(text, useChiral=0) for text in smiles}


def test_what_ships_to_train_on_holds_no_molecule_to_measure_or_choose_by():
    held_out = constitutions("ensembles_test.sdf.gz") | constitutions("ensembles_val.sdf.gz")
    assert len(held_out) > 250
    for name in ("ensembles_train.sdf.gz", "relaxed_train.sdf.gz"):
        to_train_on = constitutions(name)
        assert len(to_train_on) > 2000
        assert not to_train_on & held_out
