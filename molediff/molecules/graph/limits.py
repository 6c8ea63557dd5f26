"""How large a molecule may be."""

MAX_ATOMS = 64
"""Most atoms of an input, hydrogens included. QM9 has at most 29; far beyond that the network guesses."""

MAX_ATOMS_ORGANIC = 160
"""The same for weights that know all organic molecules; those to train on have at most 92."""


LARGER_BY_AUTO = f", or the weights 'auto', which take up to {MAX_ATOMS_ORGANIC}"
"""What a refusal for size advises."""


def too_large(num_atoms: int, max_atoms: int, at_least: bool = False) -> str:
    """A sentence on a molecule with more atoms than are allowed.

    Args:
        num_atoms: of the molecule.
        max_atoms: that are allowed, hydrogens included.
        at_least: some hydrogens are not counted.
    """
    more = LARGER_BY_AUTO if max_atoms == MAX_ATOMS else ""
    return (
        f"{'At least ' if at_least else ''}{num_atoms} atoms with hydrogens, more than max_atoms={max_atoms}: give a "
        f"part of it{more} (max_atoms can be raised; nothing was tested beyond)."
    )
