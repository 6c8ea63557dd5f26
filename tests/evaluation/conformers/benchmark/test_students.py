"""The students that ship: are they sampled by their own jumps, and where do these lead?"""

import numpy as np
import pytest
from places import DATA

from molediff.evaluation.conformers.generated import Generated
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.conformers.results import on_graph
from molediff.molecules.generator import ConformerGenerator

ENSEMBLES = DATA / "ensembles_val.sdf.gz"


@pytest.mark.parametrize(("weights", "evaluations"), [("qm9_distilled", 5), ("qm9_fast", 3)])
def test_a_student_finds_the_minima_in_its_few_jumps(weights, evaluations):
    references = [mol for mol in read_references(ENSEMBLES) if 3 <= mol.GetNumConformers() <= 6][:6]
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    assert generator.plan.num_steps == evaluations
    drawn = Generated(generator, references, None, seed=1, max_attempts=1)
    distances = [
        rmsd_matrix(reference, on_graph(reference, mol))
        for reference, mol in zip(references, drawn, strict=True)
    ]
    assert drawn.wrong_stereo == 0
    assert sum(d.shape[1] for d in distances) >= 0.9 * drawn.num_drawn
    recall = np.concatenate([d.min(axis=1) for d in distances])
    precision = np.concatenate([d.min(axis=0) for d in distances])
    assert recall.mean() < 0.2  # Angstrom; ETKDGv3 has 0.23 and 0.21 of test molecules
    assert precision.mean() < 0.2
