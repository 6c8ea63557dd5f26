"""PoseBusters' checks of a molecule without a protein."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import rdkit
from rdkit import rdBase
from rdkit.Chem import Mol

from molediff.runtime.extras import require


def plausibility_checks(
    mol: Mol, max_conformers: int | None = None, energy_ratio: bool = False
) -> list[dict[str, bool]]:
    """PoseBusters' `mol` checks of each conformer: name of the check -> passed.

    Bond lengths, angles and contacts within distance-geometry bounds, flat aromatic rings and double bonds, puckered
    saturated rings, sanitization, InChI, one fragment. A check that cannot be computed counts as not passed.

    Args:
        mol: molecule with explicit hydrogens and its conformers.
        max_conformers: look at the first so many conformers only (a conformer takes about 20 ms).
        energy_ratio: also compare the energy with that of 50 relaxed ETKDG conformers (about a second a conformer).

    Returns:
        One dictionary a conformer, in the order of the conformers.

    Source: Buttenschoen et al. 2024, "PoseBusters", table 1; thresholds are theirs.
    """
    conformer_ids = [conformer.GetId() for conformer in mol.GetConformers()][:max_conformers]
    if not conformer_ids:
        return []
    # PoseBusters flushes the stream that it last gave to RDKit's log, and takes the error of one closed since then
    # (a captured stderr) for a failed InChI.
    rdkit.log_handler.stream = sys.stderr
    with rdBase.BlockLogs():
        table = _posebusters(energy_ratio).bust(
            [Mol(mol, confId=conformer_id) for conformer_id in conformer_ids]
        )
    records = table.fillna(False).astype(bool).to_dict(orient="records")
    return [{str(name): passed for name, passed in record.items()} for record in records]


@lru_cache(maxsize=2)
def _posebusters(energy_ratio: bool) -> Any:
    require("posebusters", "The plausibility of conformers")
    from posebusters import PoseBusters  # seconds of start-up that other metrics do not need

    busters = PoseBusters(config="mol")
    if not energy_ratio:
        modules = busters.config["modules"]
        busters.config["modules"] = [module for module in modules if module["function"] != "energy_ratio"]
    return busters
