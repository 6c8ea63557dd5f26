"""python ray_program.py FOLDER kill|resume: 60 molecules on a cluster of three nodes, against one process."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np
import ray
from ray.cluster_utils import Cluster

from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.jobs.ray_data import run_on_ray
from molediff.molecules.jobs.staging import ROWS, rows_of
from molediff.molecules.jobs.work import Work

SMILES = ("CCO", "C", "[Xx]", "CC(N)=O", "O", "CCC", "C[C@H](O)C#N", "N#N", "", "c1ccoc1")


def main() -> None:
    folder, what = Path(sys.argv[1]) / "run", sys.argv[2]
    work = Work("qm9_fast", 2, seed=5, device="cpu")
    texts = [SMILES[number % len(SMILES)] for number in range(60)]
    inputs = [MoleculeInput(text, f"m{number}") for number, text in enumerate(texts)]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes = [cluster.add_node(num_cpus=2) for _ in range(2)]
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)

    killed: list[int] = []

    def kill() -> None:
        while not list((folder / ROWS).glob("*.parquet")):
            time.sleep(0.1)
        killed.append(len(list((folder / ROWS).glob("*.parquet"))))
        cluster.remove_node(nodes[1], allow_graceful=False)
        print("killed a node", flush=True)

    if what == "kill":
        threading.Thread(target=kill, daemon=True).start()
    num = run_on_ray(inputs, folder, work, num_actors=2, batch_size=4, num_blocks=12)
    if what == "resume":
        for path in sorted((folder / ROWS).glob("*.parquet"))[:3]:  # as if these had not been written
            ids = {row["id"] for row in _rows(path)}
            path.unlink()
            _forget(folder, ids)
        num = run_on_ray(inputs, folder, work, num_actors=2, batch_size=4, num_blocks=12)
    found = {row["id"]: row for row in rows_of(folder)}
    print("files:", len(list((folder / ROWS).glob("*.parquet"))), "at the kill:", killed, flush=True)
    ray.shutdown()
    cluster.shutdown()
    assert num == len(found) == 60, (num, len(found))
    expected = work.start().rows(range(60), [item.name for item in inputs], texts)
    for row in expected:
        mine = found[row["id"]]
        for name in ("name", "smiles", "status", "num_conformers"):
            assert mine[name] == row[name], (name, mine, row)
        np.testing.assert_allclose(mine["coordinates"], row["coordinates"], atol=1e-3)
    assert what != "kill" or killed, "the node outlived the run"
    print(f"same rows: {len(found)}", flush=True)


def _rows(path: Path) -> list[dict[str, int]]:
    from pyarrow import parquet

    return parquet.read_table(path, columns=["id"]).to_pylist()


def _forget(folder: Path, ids: set[int]) -> None:
    """Take ids out of what Ray remembers as done."""
    from pyarrow import parquet

    for path in (folder / "done").rglob("*.parquet"):
        table = parquet.read_table(path)
        keep = [number not in ids for number in table.column("id").to_pylist()]
        if all(keep):
            continue
        if any(keep):
            parquet.write_table(table.filter(keep), path)
        else:
            path.unlink()


if __name__ == "__main__":
    main()
