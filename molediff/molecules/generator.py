"""The conformer generator: molecules in, checked conformers out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import torch
from rdkit import Chem

import molediff
from molediff.core.model import DiffusionModel
from molediff.molecules.energies.relax import LEARNED
from molediff.molecules.generation.check import CheckFactory, as_factories
from molediff.molecules.generation.fixed import FixedPart
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.pipeline import Pipeline
from molediff.molecules.generation.plan import SamplingPlan
from molediff.molecules.generation.presets import with_preset
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.sampler import Sampler
from molediff.molecules.generation.settings import Limits, Refinement, Sampling, gather
from molediff.molecules.generation.stream import Stream
from molediff.molecules.graph.inputs import check_is_a_list
from molediff.molecules.graph.limits import MAX_ATOMS, MAX_ATOMS_ORGANIC
from molediff.molecules.graph.vocabulary import QM9, vocabulary_of
from molediff.molecules.perception.domain import Domain, shipped_domain
from molediff.networks.kind import check_kind
from molediff.networks.pretrained import load_model
from molediff.runtime.checks import check_whole_number, choose_device
from molediff.runtime.memory import keep_freed_tensors
from molediff.sampling.seeds import NOISE


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
        max_atoms: inputs with more atoms, hydrogens included, are refused. None: 64 with weights trained on QM9, 160
            with those for all organic molecules.
        weights: name or path of the weights, for the record.

    Attributes:
        plan: the default solver, steps and grid of these weights.
        domain: the molecules that the weights were trained on, None if that is not known.

    Example:
        >>> generator = ConformerGenerator.from_pretrained("qm9")
        >>> result = generator.generate("C[C@H](O)C(N)=O", num_conformers=20, seed=1)
        >>> result.status, result.mol.GetNumConformers()
        ('ok', 20)
    """

    def __init__(
        self,
        model: DiffusionModel,
        metadata: dict[str, Any] | None = None,
        device: str | torch.device | None = None,
        precision: str = "auto",
        max_atoms: int | None = None,
        weights: str | None = None,
    ):
        if precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"precision must be 'auto', 'float32' or 'bfloat16'; got {precision!r}.")
        if max_atoms is not None:
            check_whole_number("max_atoms", max_atoms, least=1)
        check_kind(model.network, "conformers")
        self.device = choose_device(device)
        self.model = model.to(self.device).eval().requires_grad_(False)
        if self.device.type == "cpu":
            keep_freed_tensors()
        self.metadata = dict(metadata or {})
        self.precision = precision
        self.weights = weights
        self.plan = SamplingPlan.of(self.metadata)
        self.vocabulary = vocabulary_of(model.network)
        usual = MAX_ATOMS if self.vocabulary is QM9 else MAX_ATOMS_ORGANIC
        self.max_atoms = usual if max_atoms is None else max_atoms
        written = self.metadata.get("domain")
        self.domain = Domain.from_json(written) if isinstance(written, str) else shipped_domain(str(weights))

    @classmethod
    def from_pretrained(
        cls,
        weights: str | FilePath = "auto",
        device: str | torch.device | None = None,
        precision: str = "auto",
        max_atoms: int | None = None,
        allow: Sequence[str] = (),
    ) -> ConformerGenerator:
        """Load a generator.

        Args:
            weights: "auto", for each molecule those of "qm9" and the drug-like weights that know it (`molecules.auto`);
                name of weights that ship with the package: "qm9"; its students "qm9_distilled", with five
                evaluations nearer to minima than "qm9" with ten but with more strain in the bonds, and "qm9_fast", a
                smaller network, with three; "qm9_b3lyp" for one B3LYP geometry of each molecule; or "drugs",
                which draws the torsions of drug-like molecules anew and mends bonds and angles. Or path of a
                `.safetensors` file made by training.
            device: see the class.
            precision: see the class.
            max_atoms: see the class.
            allow: packages of your own that a file may name classes of (see `networks.load_model`).

        Raises:
            FileNotFoundError: there are no such weights.
            ValueError: the file is damaged or was made for something else.
        """
        if weights == "auto":
            from molediff.molecules import auto

            names = auto.NARROW_WEIGHTS, auto.GENERAL_WEIGHTS
            return auto.AutoGenerator(
                *(ConformerGenerator.from_pretrained(name, device, precision, max_atoms) for name in names)
            )
        model, metadata = load_model(weights, allow, "conformers")
        return cls(model, metadata, device, precision, max_atoms, str(weights))

    def __repr__(self) -> str:
        parameters = sum(parameter.numel() for parameter in self.model.parameters()) / 1e6
        named = f"weights {self.weights}" if self.weights else "weights without a name"
        return (
            f"<ConformerGenerator: {named}, {parameters:.1f} M parameters, {self.plan.solver}, {self.plan.num_steps} "
            f"steps, on {self.device}>"
        )

    def generate(
        self, molecule: str | Chem.Mol, num_conformers: int = 10, seed: int = 0, **options: Any
    ) -> GenerationResult:
        """Conformers of one molecule.

        Args:
            molecule: a SMILES, an InChI, a mol block or an RDKit Mol.
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
        preset: str | None = None,
        fixed: Chem.Mol | Mapping[int, Sequence[float]] | None = None,
        strict: bool = False,
        largest_fragment: bool = False,
        sampling: Sampling | None = None,
        refinement: Refinement | None = None,
        limits: Limits | None = None,
        checks: Iterable[CheckFactory] = (),
        trajectory: bool = False,
        **words: Any,
    ) -> Iterator[GenerationResult]:
        """Conformers of many molecules: a lazy iterator with one result for every input, in order.

        A molecule's conformers depend on the seed, the molecule (with its atom order) and `sampling`, not on the batch
        size, the other inputs or their order (up to the rounding of the floating-point numbers). More conformers go on
        where fewer ended. Global random states are neither read nor set.

        Args:
            molecules: SMILES, InChI, mol blocks and RDKit Mols (see `molecules.graph.inputs.prepare`), read as they are
                needed.
            num_conformers: conformers of each.
            seed: at least 0.
            preset: a bundle of settings, any of which a word of its own overrides: "crystal", conformers far from each
                other, chosen from four times as many, as docking and shape searching need them; "minima", different
                conformers near minima, lowest first, from more (see `generation.presets`).
            fixed: atoms that keep given coordinates in every conformer: a Mol with a 3D conformer, which is looked for
                in each molecule as a substructure (with or without its hydrogens), or a mapping of atom indices to
                (x, y, z) in Angstrom, as RDKit's coordMap; hydrogens that a SMILES leaves out have indices behind
                its atoms. Relaxation holds these atoms too. The conformers lie in the frame of these coordinates.
            strict: refuse molecules outside what the weights were trained on (elements, charges, heavy atoms,
                surroundings of a bond). Else their result says so in its `reason`.
            largest_fragment: of an input of several molecules, such as a salt, take the largest, with its charge, and
                say in `reason` what was left out. Else such an input fails.
            sampling: solver and steps, see `molediff.molecules.Sampling`; None: as the weights are meant (`plan`).
            refinement: relaxation, energies, and which conformers are kept, see `molediff.molecules.Refinement`.
            limits: memory, attempts, time and processes, see `molediff.molecules.Limits`.
            checks: rules of your own that a conformer must meet beside the usual ones, each a function from a Mol to
                a `molediff.molecules.Check`; what fails one is drawn again.
            trajectory: keep the way from noise to conformers; memory grows with the steps.
            **words: any setting of the three groups by itself, such as `num_steps=10`, `relax="mmff"` or `timeout=5`,
                where its group is not given.

        Raises:
            ValueError: an option is out of range, or given twice.
            ImportError: "gfn2" or "aimnet2" is asked for and not installed.
        """
        check_is_a_list(molecules)
        check_whole_number("num_conformers", num_conformers, least=1)
        groups = {"sampling": sampling, "refinement": refinement, "limits": limits}
        asked = {
            "num_conformers": num_conformers,
            "seed": seed,
            "trajectory": trajectory,
            "fixed": FixedPart.read(fixed),
            "checks": as_factories(checks),
            "strict": strict,
            "largest_fragment": largest_fragment,
        }
        return self._stream(preset, groups, words, asked).results(molecules)

    def _stream(
        self,
        preset: str | None,
        groups: Mapping[str, Any],
        words: Mapping[str, Any],
        asked: Mapping[str, Any],
    ) -> Stream:
        """What makes results of a call's molecules; arguments as for `_pipeline`."""
        return self._pipeline(preset, groups, words, asked)

    def _pipeline(
        self,
        preset: str | None,
        groups: Mapping[str, Any],
        words: Mapping[str, Any],
        asked: Mapping[str, Any],
    ) -> Pipeline:
        """What makes results of a call's molecules.

        Args:
            preset: see `generate_many`.
            groups: groups of settings by their names, None where not given.
            words: settings by themselves.
            asked: all other options.
        """
        with_words = with_preset(
            preset,
            asked["num_conformers"],
            groups,
            words,
            refines=self.plan.init is not None,
            gives_energies=self.model.gives_energies and asked["fixed"] is None,
        )
        settings = gather(groups, with_words)
        plan = self.plan.with_overrides(
            settings["solver"], settings["num_steps"], settings["grid"], settings["init"]
        )
        settings |= {"solver": plan.solver, "num_steps": plan.num_steps, "grid": plan.grid, "init": plan.init}
        options = GenerationOptions(device=str(self.device), **asked, **settings)
        if options.energies == LEARNED and not self.model.gives_energies:
            raise ValueError(
                f"The weights {self.weights} have not learned energies, as energies='{LEARNED}' needs: take 'mmff', "
                "'gfn2' or 'aimnet2', or the weights 'drugs'."
            )
        if options.num_workers > 1 and self.device.type != "cpu":
            raise ValueError(
                f"num_workers={options.num_workers} on {self.device}: processes are for CPUs; raise batch_atoms."
            )
        return Pipeline(
            Sampler(self.model, options, self.device, autocast=self.precision == "bfloat16"),
            options,
            self.max_atoms,
            self.metadata.get("max_atoms"),
            self._provenance(options),
            self.domain,
            self.vocabulary,
        )

    def _provenance(self, options: GenerationOptions) -> dict[str, Any]:
        facts = {
            "weights": self.weights,
            "weights_sha256": self.metadata.get("sha256"),
            "solver": options.solver_object,
            "num_steps": options.num_steps,
            "grid": getattr(options.grid, "__name__", options.grid),
            "init": options.init,
            "num_samples": None if options.init is None else options.num_slots,
            "relax": options.relax,
            "pool": options.pool,
            "select": options.select,
            "noise": NOISE if options.init is None else None,
            "molediff": molediff.__version__,
        }
        return {
            key: value if isinstance(value, int) else str(value)
            for key, value in facts.items()
            if value is not None
        }
