"""A judge of properties of its own: what a graph's properties are likely to be, learned from molecules set apart.

A sum over what occurs in the graph (the surroundings of its atoms, its bonds with both ends, its ring systems), then
two layers: fitted in a minute, near enough to tell whether a generator makes what it is asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor, nn

from molediff.molecules.whole.familiar import texts_of

_NUM_ROWS = 1 << 14


class PropertyPredictor(nn.Module):
    """Properties of graphs, in units of their spread.

    Args:
        num_properties: P.
        channels: of the sum.
    """

    def __init__(self, num_properties: int, channels: int = 128) -> None:
        super().__init__()
        self.sum = nn.EmbeddingBag(_NUM_ROWS, channels, mode="sum")
        nn.init.normal_(self.sum.weight, std=0.05)
        self.layers = nn.Sequential(
            nn.SiLU(), nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, num_properties)
        )

    def forward(self, codes: Tensor, offsets: Tensor) -> Tensor:
        """Codes of all molecules in a row, and where each begins: shape (n, P)."""
        found: Tensor = self.layers(self.sum(codes, offsets))
        return found

    @torch.no_grad()
    def predict(self, mols: Sequence[Chem.Mol]) -> np.ndarray:
        """Of molecules, shape (n, P)."""
        return self(*_joined([codes_of(mol) for mol in mols])).numpy()


def codes_of(mol: Chem.Mol) -> np.ndarray:
    """What occurs in a molecule, one number each, as often as it occurs, int64."""
    mol = Chem.RemoveAllHs(mol)
    return np.array([zlib.crc32(text.encode()) % _NUM_ROWS for text in _all_texts(mol)], np.int64)


def _all_texts(mol: Chem.Mol) -> Iterator[str]:
    yield from texts_of(mol)
    plain = [
        f"{atom.GetSymbol()}{atom.GetFormalCharge():+d}H{atom.GetTotalNumHs()}" for atom in mol.GetAtoms()
    ]
    yield from plain
    around = []
    for atom in mol.GetAtoms():
        arms = sorted(
            f"{int(bond.GetBondType())}{bond.GetOtherAtom(atom).GetSymbol()}" for bond in atom.GetBonds()
        )
        around.append(plain[atom.GetIdx()] + ":" + ",".join(arms))
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        order = f"{int(bond.GetBondType())}{'r' if bond.IsInRing() else '-'}"
        yield order + "|".join(sorted((plain[i], plain[j])))
        yield order + "|".join(sorted((around[i], around[j])))


def _joined(rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    offsets = np.cumsum([0, *map(len, rows[:-1])])
    return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(offsets)


def fit_predictor(
    codes: Sequence[np.ndarray],
    properties: np.ndarray,
    num_passes: int = 12,
    batch_size: int = 256,
    seed: int = 0,
) -> PropertyPredictor:
    """Fit a predictor.

    Args:
        codes: of each molecule, by `codes_of`.
        properties: in units of their spread, shape (n, P).
        num_passes: over all molecules.
        batch_size: molecules a step.
        seed: of the first weights and of the order.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PropertyPredictor(properties.shape[1])
    generator = torch.Generator().manual_seed(seed)
    targets = torch.from_numpy(properties.astype(np.float32))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    num_steps = num_passes * -(-len(codes) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, num_steps, pct_start=0.1)
    for _ in range(num_passes):
        for rows in torch.randperm(len(codes), generator=generator).split(batch_size):
            found = model(*_joined([codes[row] for row in rows.tolist()]))
            loss = nn.functional.smooth_l1_loss(found, targets[rows], beta=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()
