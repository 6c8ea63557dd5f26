"""The engine for clusters: Ray Data reads the inputs, actors do the work, and every machine writes its rows.

Ray is the extra `ray`. A run is a folder that all machines see: `inputs/` as given, `rows/` with one row an input
(`jobs.work.SCHEMA`), and what is needed to go on. A run that was cut off goes on when it is called again.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.jobs.staging import DONE, INPUTS, ROWS, check_rows, stage
from molediff.molecules.jobs.work import Work, table_of
from molediff.runtime.extras import require

# A block that is lost with its machine is done again: small ones lose little, large ones cost less to hand out.
_BLOCKS_AN_ACTOR = 8
_LEAST_INPUTS_A_BLOCK = 16
# That an actor takes at a time: as many as are read ahead to fill batches (`generation.batch_size`).
_INPUTS_OF_A_CPU, _INPUTS_OF_A_GPU = 512, 4096
_LITTLE = 0.25  # of a CPU, for reading and writing, which both go on in the one that stays free


class _Actor:
    """One process of the pool; its weights are loaded once."""

    def __init__(self, work: Work) -> None:
        self.worker = work.start()

    def __call__(self, batch: Any) -> Any:
        """Rows of a batch of inputs, a pyarrow table."""
        rows = batch.to_pylist()
        molecules = [row["smiles"] if row["mol"] is None else row["mol"] for row in rows]
        ids, names = [row["id"] for row in rows], [row["name"] for row in rows]
        return table_of(self.worker.rows(ids, names, molecules))


def run_on_ray(
    inputs: Iterable[MoleculeInput],
    folder: str | os.PathLike[str],
    work: Work,
    num_actors: int | None = None,
    batch_size: int | None = None,
    num_blocks: int | None = None,
    num_gpus: float = 0,
) -> int:
    """Do `work` with all inputs on the Ray cluster that is there, or on this machine, and return their number.

    The rows are those of one process. Exceptions are not retried by Ray: what is wrong with a molecule is a row with
    the status "failed". A process or a machine that dies is replaced, and its blocks are done again.

    Args:
        inputs: read lazily, and again if the run goes on.
        folder: of the run; all machines must see it under this name.
        work: what is done.
        num_actors: processes. None: one for each CPU but one, or each GPU.
        batch_size: molecules that an actor takes at a time. None: 512, or 4,096 with a GPU; fewer fill no batches.
        num_blocks: pieces of the run. None: eight an actor, with at least 16 inputs each.
        num_gpus: of each actor.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ConnectionError: RAY_ADDRESS names a cluster that does not answer.
        ValueError: more actors than the cluster has room for, one CPU left free, or the folder holds another run.
    """
    require("ray", "The engine for clusters")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.data.checkpoint import CheckpointConfig

    folder = Path(folder).resolve()
    _connect(ray)
    if batch_size is None:
        batch_size = _INPUTS_OF_A_GPU if num_gpus else _INPUTS_OF_A_CPU
    num_actors = _room(ray.cluster_resources(), num_actors, num_gpus)
    facts = {
        "weights": work.weights,
        "num_conformers": work.num_conformers,
        "seed": work.seed,
        **work.settings,
    }
    if work.max_atoms is not None:
        facts["max_atoms"] = work.max_atoms
    num = stage(inputs, folder, facts)
    if num_blocks is None:
        num_blocks = max(1, min(num // _LEAST_INPUTS_A_BLOCK, _BLOCKS_AN_ACTOR * num_actors))
    context = ray.data.DataContext.get_current()
    former = context.checkpoint_config, context.enable_progress_bars
    context.checkpoint_config = CheckpointConfig(
        id_column="id", checkpoint_path=str(folder / DONE), delete_checkpoint_on_success=False
    )
    context.enable_progress_bars = False
    try:
        # What is read comes in blocks as large as files, so that they are cut once more.
        staged = ray.data.read_parquet(str(folder / INPUTS), num_cpus=_LITTLE)
        in_blocks = staged.repartition(target_num_rows_per_block=math.ceil(num / num_blocks))
        rows = in_blocks.map_batches(
            _Actor,
            fn_constructor_args=(work,),
            compute=ray.data.ActorPoolStrategy(size=num_actors),
            batch_size=min(batch_size, math.ceil(num / num_blocks)),
            batch_format="pyarrow",
            num_cpus=1,
            num_gpus=num_gpus or None,
        )
        rows.write_parquet(str(folder / ROWS), ray_remote_args={"num_cpus": _LITTLE})
    finally:
        context.checkpoint_config, context.enable_progress_bars = former
    check_rows(folder)
    return num


def remove_run(folder: str | os.PathLike[str]) -> None:
    """Remove what a run has written, and nothing else in its folder."""
    for name in (INPUTS, ROWS, DONE):
        shutil.rmtree(Path(folder) / name, ignore_errors=True)
    (Path(folder) / "run.json").unlink(missing_ok=True)


def _connect(ray: Any) -> None:
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    # Nobody opens the web page of a cluster for one run.
    alone: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, **alone)
    except ConnectionError as error:
        raise ConnectionError(
            f"no Ray cluster answers at {address}: start one (ray start --head), or leave RAY_ADDRESS out to use this "
            "machine alone"
        ) from error
    except Exception as error:  # Ray has no class of its own for it
        if "timed out" not in str(error):
            raise
        raise ConnectionError(
            "Ray did not start within its 30 seconds: this machine is too busy. Start it before (ray start --head) and "
            "set RAY_ADDRESS=auto, or take --engine local"
        ) from error


def _room(resources: dict[str, float], num_actors: int | None, num_gpus: float) -> int:
    """Number of actors: as asked for, or as many as there is room for beside one free CPU.

    Raises:
        ValueError: there is no room for as many.
    """
    room = int(resources.get("CPU", 0)) - 1  # a pool that takes all leaves none to read and write, and hangs
    if num_gpus:
        room = min(room, int(resources.get("GPU", 0) / num_gpus))
    what = f"{resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs"
    if num_actors is None:
        num_actors = room
    if num_actors < 1 or num_actors > room:
        raise ValueError(
            f"{num_actors} actors do not fit: this cluster has {what}, and one CPU must stay free; give 1 to {room}"
            if room >= 1
            else f"this cluster has {what}: a run takes at least 2 CPUs, one of which stays free"
            + (", and a GPU" if num_gpus else "")
        )
    return num_actors
