"""A model must be able to overfit, and the training script to do what it says."""

import os
import subprocess
import sys

import pytest
import torch
from places import ROOT
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.objective.coupling import RotationalAlignment
from molediff.core.objective.score_matching import DenoisingScoreMatching, Unweighted
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.evaluation.conformers.during_training import SampledConformers
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.molecules.files.output import ConformerWriter
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask


def molecule(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    return mol


@pytest.mark.slow
def test_overfits_one_molecule():
    """One rigid chiral molecule: after some hundred steps every sample is that molecule, with the right hand."""
    mol = molecule("C[C@H]1CO1")
    batch = collate([mol_to_graph(mol, -1)] * 4)
    torch.manual_seed(0)
    path, target = CosineVP(), V()
    network = EquivariantNetwork(
        NODE_CARDINALITIES, PAIR_CARDINALITIES, 1.4, 48, 16, 16, num_trunk_blocks=1, num_blocks=2, num_heads=4
    )
    model = DiffusionModel(network, path, target, ZeroCentreOfMass(), 1.4)
    objective = DenoisingScoreMatching(path, target, Unweighted(target))
    task = DiffusionTask(model, objective, Clock(400), RotationalAlignment(), num_draws=16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(400):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / 400)
        optimizer.zero_grad()
        task.training_step((batch.positions, batch, batch.mask), step).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    metrics = SampledConformers([mol], rmsd_matrix, num_samples=8).measure(model, torch.device("cpu"))
    assert metrics["val/rmsd_all_mean"] < 0.1
    assert metrics["val/wrong_stereo"] == 0.0


def run(*words, folder):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "train.py"), *words],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_smoke_run_goes_on_from_its_checkpoint(tmp_path):
    """The script trains, samples and exports, and a second call goes on."""
    words = ("experiment=smoke", "run_dir=out", "threads=1", "trainer.samples_each=1")
    ended = run(*words, "max_steps=3", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "weights: out/weights.safetensors" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert "Warning" not in ended.stderr
    ended = run(*words, "max_steps=5", "ckpt_path=last", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "step 5" in ended.stdout


def test_a_student_is_distilled_and_sampled_by_its_own_jumps(tmp_path):
    words = (
        "experiment=qm9_fast",
        "data=builtin",
        "~data.num_validation",
        "run_dir=out",
        "threads=1",
        "max_steps=2",
    )
    small = (
        "network.num_blocks=1",
        "warm_start_blocks=[0]",
        "distillation.num_steps=4",
        "trainer.samples_each=1",
    )
    stops = ("distillation.stops=[0,2]", "distillation.weights=null")
    ended = run(*words, *small, *stops, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    generator = ConformerGenerator.from_pretrained(tmp_path / "out" / "weights.safetensors", device="cpu")
    assert generator.plan.num_steps == 2
    assert generator.plan.grid.lambdas == pytest.approx((-3.0, 1.0), abs=1e-5)
    assert len(generator.model.network.blocks) == 1
    assert generator.metadata["begun_with"]["sha256"]
    ended = run(*words, *small, "distillation.stops=[2,0]", "overwrite=true", folder=tmp_path)
    assert ended.returncode == 2
    assert "ascend from 0" in ended.stderr


def test_a_student_that_is_to_end_in_minima_is_trained(tmp_path):
    """On samples of the weights that it begins with: they relax to where its own paths end."""
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    options = {"relax": "mmff", "max_attempts": 1}
    with (tmp_path / "relaxed.sdf").open("w") as file:
        writer = ConformerWriter(file, ".sdf")
        for result in generator.generate_many(["CC=O", "C1CC1", "CC#N", "C=CF"], 1, 1, **options):
            writer.write(result, result.smiles)
    words = (
        "experiment=qm9_fast_minima",
        "data.path=relaxed.sdf",
        "data.num_validation=2",
        "warm_start=qm9_fast",
        "run_dir=out",
        "threads=1",
        "max_steps=2",
        "trainer.samples_each=1",
    )
    ended = run(*words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    (table,) = (tmp_path / "out").glob("csv/*/metrics.csv")
    head, *rows = (line.split(",") for line in table.read_text().splitlines())
    last = next(row for row in (dict(zip(head, row, strict=True)) for row in rows[::-1]) if row["val/loss"])
    assert float(last["val/reached_minimum"]) == 1
    assert all(0 < float(last[f"val/loss_stop_{stop}"]) < 10 for stop in (0, 5, 7))
    for word, message in (("data.num_validation=4", "hold out some"), ("data.path=no.sdf", "no file no.sdf")):
        ended = run(*words, word, "overwrite=true", folder=tmp_path)
        assert ended.returncode == 2
        assert message in ended.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["max_minuts=1"], "max_minutes"),
        (["experiment=qm9_conformers"], "max_minutes"),
        (["experiment=smoke", "ckpt_path=last"], "no checkpoint"),
        (["experiment=smoke", "device=tpu"], "tpu"),
        (["data=sdf", "data.path=nothing.sdf", "max_steps=1"], "nothing.sdf"),
    ],
)
def test_mistakes_give_one_line_and_code_2(tmp_path, words, message):
    ended = run(*words, "run_dir=out", folder=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert message in ended.stderr
