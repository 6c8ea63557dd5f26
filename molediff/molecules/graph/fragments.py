"""The largest of the molecules that one input holds, without salt and solvent."""

from __future__ import annotations

from collections import Counter

from rdkit import Chem

from molediff.molecules.hydrogens import bare_smiles


def largest_fragment(mol: Chem.Mol) -> tuple[Chem.Mol, list[int], str]:
    """The fragment with most heavy atoms, its charge as it is; of two that with carbon, the heavier, the first one.

    Args:
        mol: sanitized.

    Returns:
        The fragment, its atoms in `mol` in order, and a sentence that says what was left out; empty if nothing was.
    """
    mapping: list[tuple[int, ...]] = []
    fragments = Chem.GetMolFrags(mol, asMols=True, fragsMolAtomMapping=mapping)
    if len(fragments) < 2:
        return mol, list(range(mol.GetNumAtoms())), ""
    sizes = [
        (
            one.GetNumHeavyAtoms(),
            any(atom.GetAtomicNum() == 6 for atom in one.GetAtoms()),
            sum(atom.GetMass() for atom in one.GetAtoms()),
        )
        for one in fragments
    ]
    taken = max(range(len(fragments)), key=lambda i: sizes[i])
    left_out = Counter(bare_smiles(one) for i, one in enumerate(fragments) if i != taken)
    names = ", ".join(f"{count} {smiles}" if count > 1 else smiles for smiles, count in left_out.items())
    return fragments[taken], list(mapping[taken]), f"the largest fragment alone, without {names}"
