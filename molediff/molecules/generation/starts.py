"""Where sampling begins for weights that know low noise alone: cheap guesses, by distance geometry or as given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.graph.inputs import PreparedMolecule, sample_generator

INITS = ("etkdg", "given")
"""What a refinement can begin with: conformers of RDKit's ETKDGv3 (Wang et al. 2020), or those of the Mol given."""

_SECONDS_EACH = 20  # an embedding that takes longer seldom ends


class Starts:
    """Structures that the conformers of one molecule are made from.

    Args:
        prepared: the molecule.
        init: one of `INITS`.
        num_conformers: conformers asked for.
        seed: of the embedding.

    Raises:
        UnusableInputError: conformers are to be given and the input has none.
    """

    def __init__(self, prepared: PreparedMolecule, init: str, num_conformers: int, seed: int):
        self._prepared, self._init = prepared, init
        self._num, self._seed = num_conformers, seed
        self._first: np.ndarray | None = None
        if init == "given" and not len(prepared.conformers):
            raise UnusableInputError(
                "init='given' needs a Mol with at least one 3D conformer: give one, or leave init out."
            )

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """Structures for conformers `slots`, in Angstrom, shape (n, N, 3); NaN where there is none.

        They depend on the seed, the molecule, the slot and the attempt alone. Given conformers are taken in turn, the
        same at every attempt.
        """
        if self._init == "given":
            given = self._prepared.conformers
            return given[np.asarray(slots) % len(given)]
        if attempt == 0:
            if self._first is None:  # all at once: what depends on the molecule alone is then worked out once
                self._first = self._embedded(self._num, self._random_seed(0, 0))
            return self._first[np.asarray(slots)]
        each = [self._embedded(1, self._random_seed(slot, attempt)) for slot in slots]
        return np.concatenate(each)

    def _random_seed(self, slot: int, attempt: int) -> int:
        generator = sample_generator(self._seed, self._prepared.key, slot, attempt)
        # RDKit multiplies the seed by the number of the conformer, in 32 bits.
        return 1 + generator.initial_seed() % 10_000

    def _embedded(self, num: int, seed: int) -> np.ndarray:
        mol = Chem.Mol(self._prepared.mol)
        parameters = rdDistGeom.ETKDGv3()
        parameters.randomSeed = seed  # type: ignore[assignment]  # the stubs give it another type
        parameters.timeout = _SECONDS_EACH  # type: ignore[assignment]
        x = np.full((num, mol.GetNumAtoms(), 3), np.nan)
        with rdBase.BlockLogs():
            for conformer_id in rdDistGeom.EmbedMultipleConfs(mol, num, parameters):
                x[conformer_id] = mol.GetConformer(conformer_id).GetPositions()
        return x
