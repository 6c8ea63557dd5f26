"""How many atoms share a batch, and how many molecules are read for that, where nobody says: by device and memory."""

from __future__ import annotations

import torch

# Of 256 to 8,192 atoms on one core, twice as many are seldom slower; from here on little is gained (docs/scale.md), and
# whoever waits for the first result waits longer.
CPU_ATOMS = 2048
# The most that were measured on a GPU, one with 139 GiB.
MOST_GPU_ATOMS = 131_072
# Of an atom among 64 others, the largest molecules of QM9's weights: 64 pairs, some 250 numbers each.
_BYTES_AN_ATOM = 64 * 1024
_SHARE = 0.5  # of what is free, since others may use the device, and weights differ in width


# Molecules of one conformer each that fill a group of batches on a CPU (`stream.groups`).
_CPU_MOLECULES = 512
# Molecules share a batch with others of nearly their size, and QM9's are of some eight such classes: of so many
# molecules, one conformer each, a batch holds some 18,000 atoms, of ten conformers each 50,000.
_GPU_MOLECULES = 8192


def lookahead_of(device: str | torch.device) -> int:
    """Most molecules to read ahead on `device`."""
    return _CPU_MOLECULES if torch.device(device).type == "cpu" else _GPU_MOLECULES


def batch_atoms_of(device: str | torch.device) -> int:
    """Most atoms in a batch on `device`, padding included. A batch for which memory is too small is halved."""
    device = torch.device(device)
    if device.type != "cuda":
        return CPU_ATOMS
    free, _ = torch.cuda.mem_get_info(device)
    return atoms_in(free)


def atoms_in(num_bytes: int) -> int:
    """Atoms of a batch for which a GPU with so much free memory has room."""
    fitting = int(_SHARE * num_bytes) // _BYTES_AN_ATOM
    return max(CPU_ATOMS, min(fitting, MOST_GPU_ATOMS))
