"""What shipped weights give: a few numbers of each file, the same on every processor.

`python tests/golden/measure.py` writes them anew; do that only for a change that is meant to change them, and say so in
the CHANGELOG.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem

from molediff import ConformerGenerator, ImageGenerator, ParticleGenerator
from molediff.core.discrete import log_prob_bound
from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.torsion_prior import SOURCES, torsion_distribution
from molediff.molecules.whole.alphabet import QM9, Alphabet
from molediff.molecules.whole.graphs import state_of
from molediff.networks.pretrained import load_categorical, load_torsion_prior
from molediff.sampling.seeds import numbered_generators

NUMBERS = Path(__file__).with_name("numbers.json")

MOLECULES = ("C[C@H](O)C(N)=O", "C/C=C/C#N", "C1CC2CC1O2")
"""A stereocentre, a stereo double bond, a bridged ring."""


def conformers(name: str, num_steps: int | None = None) -> dict[str, list]:
    """Coordinates in Angstrom of two conformers of each of three molecules."""
    generator = ConformerGenerator.from_pretrained(name, device="cpu")
    results = generator.generate_many(MOLECULES, num_conformers=2, seed=1, num_steps=num_steps)
    return {result.smiles: _rounded(result.ensemble.coordinates, 4) for result in results}


def conformers_with_energies(name: str) -> dict[str, list]:
    """The same, and energies in kcal/mol, above the lowest, of four conformers of one that bends."""
    generator = ConformerGenerator.from_pretrained(name, device="cpu")
    result = generator.generate("OCCNC(=O)c1ccccc1", num_conformers=4, seed=1, energies="learned")
    return {**conformers(name), "energies": _rounded(result.relative_energies, 3)}


def particles(name: str) -> dict[str, list]:
    """Two samples, and the exact log-density in nats of two configurations, samples of the first recording."""
    generator = ParticleGenerator.from_pretrained(name, device="cpu")
    samples = generator.generate(num_samples=2, seed=1)
    configurations = recorded().get(name, {}).get("configurations", _rounded(samples, 3))
    return {
        "samples": _rounded(samples, 4),
        "configurations": configurations,
        "log_density": _rounded(generator.log_prob(np.array(configurations)), 4),
    }


def images(name: str) -> dict[str, list]:
    """Mean and standard deviation of each of four images."""
    drawn = ImageGenerator.from_pretrained(name, device="cpu").generate(num_images=4, seed=1)
    return {"mean": _rounded(drawn.mean((1, 2, 3)), 4), "std": _rounded(drawn.std((1, 2, 3)), 4)}


def torsions(name: str) -> dict[str, list]:
    """Probabilities of the bins of two torsions, in crystals and in minima, and some of what couples two of a chain."""
    prior = load_torsion_prior(name).eval()
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(=O)Nc1cccnc1"))
    graph = mol_to_graph(mol, None, ORGANIC)
    hands = np.zeros((2, 2))
    laws = {
        source: _rounded(torsion_distribution(prior, mol, graph, number).probabilities(hands), 4)
        for source, number in SOURCES.items()
    }
    chain = Chem.AddHs(Chem.MolFromSmiles("CCCOC"))
    logits = torsion_distribution(prior, chain, mol_to_graph(chain, None, ORGANIC), SOURCES["crystal"]).logits
    assert logits.couplings is not None
    laws["coupled"] = _rounded(logits.couplings.tables(torch.zeros(2, 2))[0, ::12, ::12].numpy(), 4)
    return laws


def graphs(name: str) -> dict[str, list]:
    """Log-probability in nats of three molecules, each in one order of its entries."""
    model, metadata = load_categorical(name)
    model.eval()
    alphabet = Alphabet.of(metadata["alphabet"]) if "alphabet" in metadata else QM9
    found = {}
    for smiles in MOLECULES:
        state = torch.from_numpy(state_of(Chem.MolFromSmiles(smiles), alphabet).astype(np.int64))[None]
        bound = log_prob_bound(model.denoiser(), model.process, state, numbered_generators(1, [0]))
        found[smiles] = _rounded(bound, 4)
    return found


def recorded() -> dict[str, dict[str, list]]:
    """The numbers on file, by the name of the weights."""
    return json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}


MEASURES = {
    "qm9": conformers,
    "qm9_b3lyp": conformers,
    "qm9_distilled": conformers,
    "qm9_fast": conformers,
    "drugs": conformers_with_energies,
    "drugs_from_noise": partial(conformers, num_steps=10),
    "drugs_torsions": torsions,
    "qm9_graphs": graphs,
    "qm9_graphs_properties": graphs,
    "moses_graphs": graphs,
    "dw4": particles,
    "lj13": particles,
    "digits": images,
    "digits32": images,
    "digits_latent": images,
}


def _rounded(values: np.ndarray, digits: int) -> list:
    return np.asarray(values, dtype=np.float64).round(digits).tolist()


if __name__ == "__main__":
    NUMBERS.write_text(json.dumps({name: of(name) for name, of in MEASURES.items()}) + "\n", encoding="utf-8")
