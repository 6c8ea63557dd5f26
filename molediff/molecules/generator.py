"""The conformer generator: molecules in, checked conformers out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any

import torch
from rdkit import Chem

from molediff.core.model import DiffusionModel
from molediff.core.solvers import Solver
from molediff.molecules.inputs import MAX_ATOMS, UnusableInput, label, prepare
from molediff.molecules.jobs import Job
from molediff.molecules.options import GenerationOptions
from molediff.molecules.result import GenerationResult
from molediff.molecules.sampling import Sampler, plan_batches, sample_generator
from molediff.networks.pretrained import load_model
from molediff.solver_options import Grid, choose_device

# At most this many batches are read ahead, so that memory does not grow with the number of inputs.
_BATCHES_AHEAD = 8


class ConformerGenerator:
    """Samples conformers of molecules from a trained diffusion model and checks every one of them.

    Stereo asked for is stereo returned: of the input's specified centres and double bonds a sample must have
    all as asked; one with all its centres wrong is reflected, any other wrong one is rejected and drawn
    again. Stereo the input leaves open is left open: each sample decides for itself, as with RDKit's embedding
    (`GenerationResult.isomeric_smiles` tells how).

    Args:
        model: a trained model of coordinates, its scale in Angstrom; its network takes a `GraphBatch`.
        metadata: of the weights; `max_atoms` (most atoms of a training molecule) is used if there.
        device: "cpu", "cuda", or None: "cuda" if there is one.
        precision: "float32"; "bfloat16": its rounding of the network's matrix products moves conformers by about
            0.01 Angstrom; or "auto": float32.
        max_atoms: inputs with more atoms, hydrogens included, are refused.

    Example:
        >>> generator = ConformerGenerator.from_pretrained("qm9")  # doctest: +SKIP
        >>> result = generator.generate("C[C@H](O)C(N)=O", num_conformers=20, seed=1)  # doctest: +SKIP
        >>> result.status, result.mol.GetNumConformers()  # doctest: +SKIP
        ('ok', 20)
    """

    def __init__(
        self,
        model: DiffusionModel,
        metadata: dict[str, Any] | None = None,
        device: str | torch.device | None = None,
        precision: str = "auto",
        max_atoms: int = MAX_ATOMS,
    ):
        if precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"precision must be 'auto', 'float32' or 'bfloat16'; got {precision!r}.")
        self.device = choose_device(device)
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.metadata = dict(metadata or {})
        self.precision = precision
        self.max_atoms = max_atoms

    @classmethod
    def from_pretrained(
        cls,
        weights: str | FilePath = "qm9",
        device: str | torch.device | None = None,
        precision: str = "auto",
        max_atoms: int = MAX_ATOMS,
    ) -> ConformerGenerator:
        """Load a generator.

        Args:
            weights: name of weights that ship with the package ("qm9"), or path of a `.safetensors` file
                made by training.
            device: see the class.
            precision: see the class.
            max_atoms: see the class.

        Raises:
            FileNotFoundError: there are no such weights.
            ValueError: the file is damaged or was made for something else.
        """
        model, metadata = load_model(weights)
        return cls(model, metadata, device, precision, max_atoms)

    def generate(
        self, molecule: str | Chem.Mol, num_conformers: int = 10, seed: int = 0, **options: Any
    ) -> GenerationResult:
        """Conformers of one molecule.

        Args:
            molecule: a SMILES or an RDKit Mol.
            num_conformers: number of conformers.
            seed: of the random numbers.
            **options: as for `generate_many`.

        Raises:
            ValueError: an option is out of range. (A bad molecule gives a result with status "failed".)
        """
        return next(iter(self.generate_many([molecule], num_conformers, seed, **options)))

    def generate_many(
        self,
        molecules: Iterable[str | Chem.Mol],
        num_conformers: int = 10,
        seed: int = 0,
        *,
        solver: str | Solver = "dpmpp_2m",
        num_steps: int = 5,
        eta: float | None = None,
        grid: str | Grid = "central_lambda",
        batch_atoms: int = 1024,
        max_attempts: int = 5,
        lookahead: int = 256,
        relax: str | None = None,
        energies: str | None = None,
        prune_rmsd: float | None = None,
        trajectory: bool = False,
    ) -> Iterator[GenerationResult]:
        """Conformers of many molecules: a lazy iterator with one result for every input, in order.

        A molecule's conformers depend on the seed, the molecule (with its atom order) and the options that
        follow in the list up to `grid`, not on the batch size, the other inputs or their order (up to the
        rounding of the floating-point numbers). More conformers go on where fewer ended. Global random states
        are neither read nor set.

        Args:
            molecules: SMILES and RDKit Mols (see `molecules.inputs.prepare`), read as they are needed.
            num_conformers: conformers of each.
            seed: at least 0.
            solver: "dpmpp_2m", "ddim", "heun", "euler_maruyama", "ancestral", or a solver of
                `molediff.core.solvers`.
            num_steps: solver steps; one network evaluation each (Heun: two).
            eta: noise of "ddim" and "euler_maruyama" (0: ODE, 1: SDE); None: the solver's own. Weights trained with
                rotational alignment know only the ODE exactly (see `molediff.core.coupling`).
            grid: spacing of the steps, "central_lambda", "uniform_lambda", "uniform_t", "karras", or a function
                (path, steps) -> times.
            batch_atoms: most atoms in a batch, padding included. It bounds memory.
            max_attempts: most samples drawn for one conformer; a conformer without a good one is missing in
                the result.
            lookahead: most molecules read ahead of the result that is handed out, to fill batches with
                molecules of similar size.
            relax: "mmff": move conformers to their MMFF94s minimum.
            energies: "mmff": MMFF94s energies.
            prune_rmsd: leave out conformers nearer than this to another one, in Angstrom (heavy atoms,
                symmetry-aware).
            trajectory: keep the way from noise to conformers; memory grows with the steps.

        Raises:
            ValueError: an option is out of range.
        """
        if isinstance(molecules, str | Chem.Mol):
            raise ValueError(
                "generate_many takes a list or another iterable of molecules; for one, call generate."
            )
        options = GenerationOptions(
            num_conformers=num_conformers,
            seed=seed,
            solver=solver,
            num_steps=num_steps,
            eta=eta,
            grid=grid,
            batch_atoms=batch_atoms,
            max_attempts=max_attempts,
            lookahead=lookahead,
            relax=relax,
            energies=energies,
            prune_rmsd=prune_rmsd,
            trajectory=trajectory,
        )
        return self._stream(molecules, options)

    def _stream(self, molecules: Iterable[Any], options: GenerationOptions) -> Iterator[GenerationResult]:
        sampler = Sampler(self.model, options, self.device, autocast=self.precision == "bfloat16")
        for window in self._windows(molecules, options):
            self._sample(sampler, [job for job in window if isinstance(job, Job)], options)
            while window:  # let go of each result as soon as it is handed out
                job = window.pop(0)
                yield job.finish() if isinstance(job, Job) else job

    def _windows(
        self, molecules: Iterable[Any], options: GenerationOptions
    ) -> Iterator[list[Job | GenerationResult]]:
        """Consecutive inputs, as many as fill a few batches but at most `lookahead`."""
        window: list[Job | GenerationResult] = []
        num_atoms = 0
        for molecule in molecules:
            job = self._job(molecule, options)
            window.append(job)
            if isinstance(job, Job):
                num_atoms += job.prepared.num_atoms * options.num_conformers
            if num_atoms >= _BATCHES_AHEAD * options.batch_atoms or len(window) >= options.lookahead:
                yield window
                window, num_atoms = [], 0
        if window:
            yield window

    def _job(self, molecule: Any, options: GenerationOptions) -> Job | GenerationResult:
        start = time.perf_counter()
        try:
            prepared = prepare(molecule, self.max_atoms)
            return Job(prepared, options, self.metadata.get("max_atoms"), time.perf_counter() - start)
        except UnusableInput as error:
            seconds = time.perf_counter() - start
            return GenerationResult.failure(
                label(molecule), str(error), options.num_conformers, options.seed, seconds
            )

    def _sample(self, sampler: Sampler, jobs: list[Job], options: GenerationOptions) -> None:
        """Draw until every job has its conformers or the attempts are used up."""
        for attempt in range(options.max_attempts):
            demands = [demand for job in jobs if (demand := job.demand()) is not None]
            for batch in plan_batches(demands, options.batch_atoms):
                start = time.perf_counter()
                samples = sampler.draw(
                    [part.owner.prepared.graph for part in batch],
                    [
                        [
                            sample_generator(options.seed, part.owner.prepared.key, slot, attempt)
                            for slot in part.slots
                        ]
                        for part in batch
                    ],
                )
                share = (time.perf_counter() - start) / sum(len(part.slots) for part in batch)
                for part, raw in zip(batch, samples, strict=True):
                    part.owner.seconds += share * len(part.slots)
                    part.owner.examine(part.slots, raw)
