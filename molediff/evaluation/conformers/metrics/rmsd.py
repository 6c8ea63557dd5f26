"""Heavy-atom distance between conformers of one molecule."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol, rdMolAlign

MAX_MATCHES = 10_000
"""Atom mappings tried for one molecule: no QM9 molecule has more, and a fullerene must not stop a report."""


def rmsd_matrix(references: Mol, samples: Mol, max_matches: int = MAX_MATCHES) -> np.ndarray:
    """Root-mean-square deviation of heavy atoms between every reference and every sample, in Angstrom.

    Minimal over proper rotations, translations and the automorphisms of the heavy-atom graph; the two ends of a
    carboxylate or a nitro group count as equal. A mirror image is not a match. Hydrogens are taken off by RDKit's
    `RemoveHs`, which keeps those that carry stereo (the hydrogen of an E/Z imine).

    Args:
        references: molecule with num_references conformers.
        samples: the same molecule with num_samples conformers; atoms may be in another order.
        max_matches: bound on the number of atom mappings tried.

    Returns:
        Array (num_references, num_samples).

    Raises:
        ValueError: the two are not the same molecule.

    Source: the protocol of Ganea et al. 2021 (GeoMol), section 4; RDKit `GetBestRMS`.
    """
    references, samples = Chem.RemoveHs(references), Chem.RemoveHs(samples)
    reference_ids = [conformer.GetId() for conformer in references.GetConformers()]
    sample_ids = [conformer.GetId() for conformer in samples.GetConformers()]
    rmsd = np.empty((len(reference_ids), len(sample_ids)))
    try:
        for i, reference_id in enumerate(reference_ids):
            for j, sample_id in enumerate(sample_ids):
                rmsd[i, j] = rdMolAlign.GetBestRMS(
                    samples, references, sample_id, reference_id, maxMatches=max_matches
                )
    except RuntimeError as error:
        raise ValueError(
            f"cannot compare {Chem.MolToSmiles(samples)} with {Chem.MolToSmiles(references)}: they must be "
            "conformers of one molecule"
        ) from error
    return rmsd
