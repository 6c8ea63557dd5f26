"""What can be wrong with a molecule: one base that catches all of it, and its kinds."""

from __future__ import annotations

import re

# How RDKit writes of a condition that its C++ code found violated.
_VIOLATION = re.compile(r"((Pre-condition|Post-condition|Invariant) Violation|Range Error)\n\t")


class MoleculeError(ValueError):
    """Something cannot be done with this molecule; the message says what and why."""


class UnusableInputError(MoleculeError):
    """The input cannot be sampled; the message is for the person who gave it."""


class PerceptionError(MoleculeError):
    """No molecule could be read from the coordinates; the message is the reason."""


class ForceFieldError(MoleculeError):
    """MMFF94s or AIMNet2 does not describe this molecule; the message says why."""


class XTBError(MoleculeError, RuntimeError):
    """GFN2-xTB came to no result for a conformer; the message is the reason."""


class EnsembleError(MoleculeError):
    """Not one minimum was found; the message is the reason."""


def is_of_rdkit(error: Exception) -> bool:
    """Whether RDKit raised it, about a molecule: an exception of its own, or its RuntimeError of a violated condition.

    Errors of others that speak of violations, such as those of a check of one's own, are none of RDKit's.
    """
    if type(error).__module__.startswith("rdkit."):
        return True
    return type(error) is RuntimeError and _VIOLATION.match(str(error)) is not None
