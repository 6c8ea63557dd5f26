"""From a molecular graph to conformers: data, features, generation, checks."""

from typing import TYPE_CHECKING

from molediff.runtime.lazy import lazy_names

if TYPE_CHECKING:
    from molediff.molecules.data.datamodule import ConformerDataModule as ConformerDataModule
    from molediff.molecules.data.datamodule import builtin_datamodule as builtin_datamodule
    from molediff.molecules.data.datamodule import ensembles_datamodule as ensembles_datamodule
    from molediff.molecules.data.datamodule import qm9_datamodule as qm9_datamodule
    from molediff.molecules.data.datamodule import relaxed_datamodule as relaxed_datamodule
    from molediff.molecules.data.datamodule import sdf_datamodule as sdf_datamodule
    from molediff.molecules.data.dataset import ConformerDataset as ConformerDataset
    from molediff.molecules.data.drugs import drugs_datamodule as drugs_datamodule
    from molediff.molecules.data.minima import load_minima as load_minima
    from molediff.molecules.data.qm9 import load_qm9 as load_qm9
    from molediff.molecules.data.sdf import load_sdf as load_sdf
    from molediff.molecules.energies.aimnet2_potential import AIMNet2Potential as AIMNet2Potential
    from molediff.molecules.energies.softened_forces import SoftenedForces as SoftenedForces
    from molediff.molecules.ensembles.recipe import Recipe as Recipe
    from molediff.molecules.ensembles.search import build_ensemble as build_ensemble
    from molediff.molecules.files.arrays import read_arrays as read_arrays
    from molediff.molecules.files.ase import from_ase as from_ase
    from molediff.molecules.files.io import read_inputs as read_inputs
    from molediff.molecules.files.output import write as write
    from molediff.molecules.generation.check import Check as Check
    from molediff.molecules.generation.check import CheckFactory as CheckFactory
    from molediff.molecules.generation.result import Ensemble as Ensemble
    from molediff.molecules.generation.result import GenerationResult as GenerationResult
    from molediff.molecules.generation.settings import Limits as Limits
    from molediff.molecules.generation.settings import Refinement as Refinement
    from molediff.molecules.generation.settings import Sampling as Sampling
    from molediff.molecules.generation.strain import Strain as Strain
    from molediff.molecules.generator import ConformerGenerator as ConformerGenerator
    from molediff.molecules.graph.graph import MolecularGraph as MolecularGraph
    from molediff.molecules.graph.graph import collate as collate
    from molediff.molecules.graph.graph import mol_to_graph as mol_to_graph
    from molediff.molecules.spread import select_coverage as select_coverage
    from molediff.molecules.spread import select_spread as select_spread
    from molediff.molecules.view.viewer import View as View
    from molediff.molecules.whole.data import qm9_graphs_datamodule as qm9_graphs_datamodule
    from molediff.molecules.whole.settings import GraphLimits as GraphLimits
    from molediff.molecules.whole.settings import GraphSampling as GraphSampling
    from molediff.molecules.whole.smiles_data import smiles_graphs_datamodule as smiles_graphs_datamodule
    from molediff.networks.graph import NODE_CARDINALITIES as NODE_CARDINALITIES
    from molediff.networks.graph import PAIR_CARDINALITIES as PAIR_CARDINALITIES
    from molediff.sampling.trajectory import Trajectory as Trajectory

__getattr__ = lazy_names(
    __name__,
    {
        "AIMNet2Potential": "molediff.molecules.energies.aimnet2_potential",
        "Check": "molediff.molecules.generation.check",
        "CheckFactory": "molediff.molecules.generation.check",
        "ConformerDataModule": "molediff.molecules.data.datamodule",
        "ConformerDataset": "molediff.molecules.data.dataset",
        "ConformerGenerator": "molediff.molecules.generator",
        "Ensemble": "molediff.molecules.generation.result",
        "GenerationResult": "molediff.molecules.generation.result",
        "GraphLimits": "molediff.molecules.whole.settings",
        "GraphSampling": "molediff.molecules.whole.settings",
        "Limits": "molediff.molecules.generation.settings",
        "MolecularGraph": "molediff.molecules.graph.graph",
        "NODE_CARDINALITIES": "molediff.networks.graph",
        "PAIR_CARDINALITIES": "molediff.networks.graph",
        "Recipe": "molediff.molecules.ensembles.recipe",
        "Refinement": "molediff.molecules.generation.settings",
        "Sampling": "molediff.molecules.generation.settings",
        "SoftenedForces": "molediff.molecules.energies.softened_forces",
        "Strain": "molediff.molecules.generation.strain",
        "Trajectory": "molediff.sampling.trajectory",
        "View": "molediff.molecules.view.viewer",
        "build_ensemble": "molediff.molecules.ensembles.search",
        "builtin_datamodule": "molediff.molecules.data.datamodule",
        "collate": "molediff.molecules.graph.graph",
        "drugs_datamodule": "molediff.molecules.data.drugs",
        "ensembles_datamodule": "molediff.molecules.data.datamodule",
        "from_ase": "molediff.molecules.files.ase",
        "load_minima": "molediff.molecules.data.minima",
        "load_qm9": "molediff.molecules.data.qm9",
        "load_sdf": "molediff.molecules.data.sdf",
        "mol_to_graph": "molediff.molecules.graph.graph",
        "qm9_datamodule": "molediff.molecules.data.datamodule",
        "read_arrays": "molediff.molecules.files.arrays",
        "read_inputs": "molediff.molecules.files.io",
        "qm9_graphs_datamodule": "molediff.molecules.whole.data",
        "relaxed_datamodule": "molediff.molecules.data.datamodule",
        "select_coverage": "molediff.molecules.spread",
        "select_spread": "molediff.molecules.spread",
        "sdf_datamodule": "molediff.molecules.data.datamodule",
        "smiles_graphs_datamodule": "molediff.molecules.whole.smiles_data",
        "write": "molediff.molecules.files.output",
    },
)
