"""Molecular graphs of a file of SMILES, such as that of MOSES, for training a graph model."""

from __future__ import annotations

import hashlib
import logging
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from filelock import FileLock

from molediff.molecules.files.inputs import open_text
from molediff.molecules.whole.alphabet import MOSES
from molediff.molecules.whole.data import GraphDataModule, Graphs
from molediff.molecules.whole.familiar import Familiar
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.progress import tqdm

log = logging.getLogger(__name__)

# Rises with every change of how graphs are read or packed: caches of another version are built again.
CACHE_VERSION = 1


def read_smiles(path: str | Path) -> list[str]:
    """The SMILES of a file: the first word, or the first column of a CSV, of each line; may be compressed (.gz).

    A first line that says "smiles" is a heading.

    Raises:
        ValueError: there is none.
    """
    found = []
    with open_text(Path(path)) as file:
        for line in file:
            words = line.replace(",", " ").split()
            if words:
                found.append(words[0])
    if found and found[0].lower() == "smiles":
        found = found[1:]
    if not found:
        raise ValueError(
            f"{path} holds no SMILES: one is wanted in each line, or in the first column of a CSV."
        )
    return found


def moses_file(name: str) -> Path:
    """A file of the package `molsets`, which holds the molecules of MOSES (Polykovskiy et al. 2020).

    Args:
        name: "train", "test" or "test_scaffolds".

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    # Found and never imported: its code asks for packages of 2020.
    spec = find_spec("moses")
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    for folder in folders:
        path = Path(folder) / "dataset" / "data" / f"{name}.csv.gz"
        if path.is_file():
            return path
    raise ModuleNotFoundError(
        "The molecules of MOSES come with the package molsets, which is not installed: pip install --no-deps molsets "
        "(its other packages are not needed), or name a file of SMILES.",
        name="moses",
    )


def load_graphs(
    smiles: list[str], root: str | Path, max_atoms: int, name: str = "graphs", progress: bool = False
) -> Graphs:
    """The graphs of these SMILES in the alphabet of MOSES, from the cache if they are in it.

    Args:
        smiles: of the molecules.
        root: folder of the cache.
        max_atoms: heavy atoms of the largest to take.
        name: of the file in the cache.
        progress: show a bar.
    """
    key = {
        "version": CACHE_VERSION,
        "molecules": hashlib.sha256("\n".join(smiles).encode()).hexdigest(),
        "max_atoms": max_atoms,
        "alphabet": MOSES.described(),
    }
    folder = Path(root) / "smiles_graphs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    with FileLock(f"{path}.lock"):
        try:
            arrays = read_cache(path, key)
        except StaleCacheError as error:
            log.info("Reading %d SMILES: %s.", len(smiles), error)
            graphs = Graphs(tqdm(smiles, disable=not progress), MOSES, max_atoms=max_atoms)
            arrays = {
                "entries": graphs.states[_real(graphs.num_atoms, graphs.states.shape[1])],
                "num_atoms": graphs.num_atoms,
                "familiar": np.array(sorted(graphs.familiar.seen), np.int64),
                "num_left_out": np.array([graphs.num_left_out]),
            }
            write_cache(path, arrays, key)
    num_atoms = arrays["num_atoms"]
    largest = int(num_atoms.max(initial=0))
    states = np.zeros((len(num_atoms), largest * (largest + 1) // 2), np.int8)
    states[_real(num_atoms, states.shape[1])] = arrays["entries"]
    familiar = Familiar(frozenset(arrays["familiar"].tolist()))
    return Graphs.packed(states, num_atoms, MOSES, familiar, int(arrays["num_left_out"][0]))


def _real(num_atoms: np.ndarray, width: int) -> np.ndarray:
    """Entries of states that are not padding, shape (n, width)."""
    found: np.ndarray = np.arange(width) < (num_atoms * (num_atoms + 1) // 2)[:, None]
    return found


def smiles_graphs_datamodule(
    file: str | None = None,
    root: str = "data",
    max_atoms: int = 27,
    num_train: int | None = None,
    num_validation: int = 2000,
    most_pairs: int = 50_000,
    max_entropy: float | None = 0.1,
    seed: int = 0,
    progress: bool = False,
) -> GraphDataModule:
    """Graphs of the molecules of a file of SMILES, atoms numbered as the SMILES tell them.

    Canonical SMILES, as those of MOSES, teach an `ordered` network the most. What is not in the alphabet of MOSES
    (neutral C, N, O, S, F, Cl, Br) or has too many atoms is left out and counted.

    Args:
        file: of SMILES (see `read_smiles`); None: the training molecules of MOSES, of the package `molsets`.
        root: folder of the cache.
        max_atoms: heavy atoms of the largest to take.
        num_train: molecules to train on, spread over the file; None: all that are not held out.
        num_validation: molecules held out, spread over the file.
        most_pairs: of atoms a batch, padding included.
        max_entropy: nats that a step of drawing may leave open, unless told (see `GraphSampling`); None: nothing.
        seed: of the order of the batches.
        progress: show a bar while SMILES are read.

    Raises:
        ModuleNotFoundError: no file is named and `molsets` is not installed.
        ValueError: the file holds too few molecules.
    """
    path = moses_file("train") if file is None else Path(file)
    smiles = read_smiles(path)
    if len(smiles) <= num_validation:
        raise ValueError(
            f"{path} holds {len(smiles)} SMILES, of which num_validation={num_validation} are held out: none is left."
        )
    held_out = np.linspace(0, len(smiles) - 1, num_validation).astype(int)
    rest = np.setdiff1d(np.arange(len(smiles)), held_out)
    if num_train is not None and num_train < len(rest):
        rest = rest[np.linspace(0, len(rest) - 1, num_train).astype(int)]
    name = "moses" if file is None else path.name.split(".")[0]
    train, val = (
        load_graphs([smiles[i] for i in chosen], root, max_atoms, f"{name}_{part}", progress)
        for part, chosen in (("train", rest), ("validation", held_out))
    )
    if not len(train):
        raise ValueError(
            f"No molecule of {path} has at most {max_atoms} heavy atoms of C, N, O, S, F, Cl and Br."
        )
    data = "MOSES train" if file is None else path.name
    split = f"{data}, {len(held_out)} held out"
    return GraphDataModule(
        train, val, len(held_out), seed, split, most_pairs=most_pairs, formulas=False, max_entropy=max_entropy
    )
