"""Other generators of conformers, each as `baselines.etkdg`: a function (mol, num_conformers, seed) -> mol or None."""

from __future__ import annotations

import time

import numpy as np
from rdkit.Chem import Mol, MolToSmiles, RemoveHs

from molediff.evaluation.conformers.baselines import etkdg
from molediff.molecules.conformers import with_conformers
from molediff.molecules.spread import select_spread
from molediff.runtime.extras import require

MAX_SECONDS = 20.0
"""Processor time after which CONFORGE gives up a molecule. Its own limit is an hour; most need a tenth of a second, but
a macrocycle was not done after a minute."""
_NUMBER = "_molediff_number"


def etkdg_spread(mol: Mol, num_conformers: int, seed: int, pool: int = 4) -> Mol | None:
    """As `etkdg`, but `pool` times as many are embedded, of which the most spread are chosen."""
    embedded = etkdg(mol, pool * num_conformers, seed)
    return None if embedded is None else select_spread(embedded, num_conformers)


def conforge(mol: Mol, num_conformers: int, seed: int) -> Mol | None:
    """Conformers by CONFORGE as it does it by default, at most `num_conformers`, from the isomeric SMILES of `mol`.

    Its defaults: at least 0.5 Angstrom between conformers, at most 15 kcal/mol above the lowest. Where it cannot set
    up its force field, or needs more than `MAX_SECONDS`, it fails. It takes no seed.

    Args:
        mol: molecule with explicit hydrogens and stereo; coordinates are not used and not changed.
        num_conformers: most of them.
        seed: not used.

    Returns:
        A copy with the conformers, or None if there is none.

    Raises:
        ImportError: cdpkit is not installed.

    Source: Seidel et al. 2023, "High-Quality Conformer Generation with CONFORGE"; the package cdpkit.
    """
    require("CDPL", "CONFORGE")
    from CDPL import Chem, ConfGen

    marked = Mol(mol)
    for atom in marked.GetAtoms():
        atom.SetIntProp(_NUMBER, atom.GetIdx())
    heavy = RemoveHs(marked)
    theirs = Chem.parseSMILES(MolToSmiles(heavy))
    ConfGen.prepareForConformerGeneration(theirs)
    generator = ConfGen.ConformerGenerator()
    generator.settings.maxNumOutputConformers = num_conformers
    end = time.process_time() + MAX_SECONDS
    generator.setTimeoutCallback(lambda: time.process_time() > end)
    generator.generate(theirs)
    if generator.numConformers == 0:
        return None
    generator.setConformers(theirs)
    written = [heavy.GetAtomWithIdx(i).GetIntProp(_NUMBER) for i in _smiles_order(heavy)]
    x = np.empty((generator.numConformers, mol.GetNumAtoms(), 3))
    free = {atom.GetIdx() for atom in mol.GetAtoms()} - set(written)
    for place, atom in enumerate(theirs.atoms):
        if place < len(written):
            mine = written[place]
        else:  # hydrogens that a SMILES leaves out follow; those of one atom are equal
            parent = mol.GetAtomWithIdx(written[theirs.getAtomIndex(atom.getAtom(0))])
            mine = min(n.GetIdx() for n in parent.GetNeighbors() if n.GetIdx() in free)
            free.remove(mine)
        x[:, mine] = np.array(Chem.get3DCoordinatesArray(atom))
    return with_conformers(mol, x)


def _smiles_order(mol: Mol) -> list[int]:
    """Atoms in the order of the SMILES that was written of `mol` last."""
    return [int(i) for i in mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]]
