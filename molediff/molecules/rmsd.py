"""Heavy-atom distance between conformers of one molecule: one definition for pruning, searching and measuring."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolAlign

MAX_MATCHES = 10_000
"""Most mappings of atoms tried for one pair: no QM9 molecule has more, and a fullerene must not stop a report."""


def heavy_atom_rmsd(
    sample: Chem.Mol, reference: Chem.Mol, sample_id: int = -1, reference_id: int = -1
) -> float:
    """Root-mean-square deviation in Angstrom between two conformers of one molecule.

    Minimal over proper rotations, translations and the automorphisms of the graph; the two ends of a carboxylate or a
    nitro group count as equal. A mirror image is not a match.

    Args:
        sample: without the hydrogens that are not to count (`Chem.RemoveHs`); this conformer is moved onto the other,
            which changes no later RMSD.
        reference: the same molecule; may be the same object.
        sample_id: id of the conformer of `sample`; -1 is the first.
        reference_id: id of the conformer of `reference`.

    Raises:
        RuntimeError: they are not the same molecule.

    Source: RDKit `GetBestRMS`.
    """
    return float(rdMolAlign.GetBestRMS(sample, reference, sample_id, reference_id, maxMatches=MAX_MATCHES))
