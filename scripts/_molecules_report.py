"""Conformers of molecules, measured against references."""

from __future__ import annotations

import torch
from _cli import DictConfig, use_threads
from _solver import build_solver

from molediff.evaluation.conformers.baselines import etkdg, etkdg_mmff
from molediff.evaluation.conformers.evaluate import evaluate_methods
from molediff.evaluation.conformers.generated import Generated
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.conformers.report import write_report
from molediff.evaluation.conformers.table import text_table
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable


def evaluate(config: DictConfig) -> None:
    """Run the methods that the config names on the references and write the report."""
    use_threads(config.threads)
    check_writable(config.output)
    generator = None
    if config.weights is not None:
        generator = ConformerGenerator.from_pretrained(config.weights, device=config.device)
    if config.references is None:
        qm9 = load_qm9(config.root, progress=config.progress)
        references = qm9.mols(config.split, range(min(config.num_molecules, len(qm9.split(config.split)))))
        usual = qm9.mols("train", range(config.num_range_molecules))
        source = f"QM9 {config.split} split, B3LYP/6-31G(2df,p)"
    else:
        references, usual = read_references(config.references)[: config.num_molecules], None
        source = str(config.references)
    methods, protocol = {}, {"references": source, **describe_machine(torch.get_num_threads())}
    if generator is not None:
        plan = generator.plan.but(build_solver(config), config.num_steps, config.grid)
        options = {
            "solver": plan.solver,
            "num_steps": plan.num_steps,
            "grid": plan.grid,
            "batch_atoms": config.batch_atoms,
        }
        ours = Generated(generator, references, config.num_conformers, config.seed, **options)
        methods["molediff"] = ours
        if config.relaxed:
            methods["molediff + MMFF94s"] = Generated(
                generator, references, config.num_conformers, config.seed, relax="mmff", **options
            )
        parameters = sum(parameter.numel() for parameter in generator.model.parameters())
        protocol["molediff"] = (
            f"weights {config.weights}, {parameters / 1e6:.2f} M parameters, {plan.solver}, "
            f"{plan.num_steps} steps, grid {plan.grid}, on {generator.device}"
        )
    if config.etkdg:
        methods |= {"ETKDGv3": etkdg, "ETKDGv3 + MMFF94s": etkdg_mmff}
    evaluation = evaluate_methods(
        references,
        methods,
        config.num_conformers,
        config.seed,
        usual,
        config.max_plausibility,
        config.energy_ratio,
        protocol,
        config.progress,
    )
    if generator is not None:
        evaluation.protocol["before correction"] = ours.tally
    metrics_path, report_path = write_report(evaluation, config.output, viewer=config.viewer)
    print(f"{text_table(evaluation)}\n\n{report_path}\n{metrics_path}")
