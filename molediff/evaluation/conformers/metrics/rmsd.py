"""Heavy-atom distance between conformers of one molecule."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

from molediff.molecules.rmsd import heavy_atom_rmsd


def rmsd_matrix(references: Mol, samples: Mol) -> np.ndarray:
    """Root-mean-square deviation of heavy atoms between every reference and every sample, in Angstrom.

    Each is `heavy_atom_rmsd` (at most 10,000 symmetric mappings are tried). Hydrogens are taken off by RDKit's
    `RemoveHs`, which keeps those that carry stereo (the hydrogen of an E/Z imine).

    Args:
        references: molecule with num_references conformers.
        samples: the same molecule with num_samples conformers; atoms may be in another order.

    Returns:
        Array (num_references, num_samples).

    Raises:
        ValueError: the two are not the same molecule.

    Source: the protocol of Ganea et al. 2021 (GeoMol), section 4.
    """
    references, samples = Chem.RemoveHs(references), Chem.RemoveHs(samples)
    reference_ids = [conformer.GetId() for conformer in references.GetConformers()]
    sample_ids = [conformer.GetId() for conformer in samples.GetConformers()]
    rmsd = np.empty((len(reference_ids), len(sample_ids)))
    try:
        for i, reference_id in enumerate(reference_ids):
            for j, sample_id in enumerate(sample_ids):
                rmsd[i, j] = heavy_atom_rmsd(samples, references, sample_id, reference_id)
    except RuntimeError as error:
        raise ValueError(
            f"cannot compare {Chem.MolToSmiles(samples)} with {Chem.MolToSmiles(references)}: they must be "
            "conformers of one molecule"
        ) from error
    return rmsd
