"""The MMFF94 energy of a molecule as a system of particles (Halgren 1996), by RDKit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from molediff.particles.energies import Energy

if TYPE_CHECKING:
    from rdkit import Chem

# CODATA 2018: 1.380649e-23 J/K times 6.02214076e23 /mol over 4184 J/kcal.
BOLTZMANN = 1.987204259e-3  # kcal / (mol K)


class MMFFEnergy(Energy):
    """Reduced MMFF94 energy U / kT of one molecule in vacuum; positions in Angstrom, U in kcal/mol.

    Atoms are told apart, so the energy does not change under E(3), but does under permutations of atoms that are not
    equivalent. Evaluated on the CPU in double precision, one configuration after another: about 0.1 ms each for ten
    atoms.

    Args:
        mol: RDKit molecule with explicit hydrogens, in the order of the particles. Its coordinates are not used.
        temperature: in K.
        variant: "MMFF94" or "MMFF94s".

    Raises:
        ValueError: MMFF94 has no parameters for the molecule, hydrogens are implicit, or the temperature is not
            positive.

    Example:
        >>> from rdkit import Chem
        >>> energy = MMFFEnergy(Chem.AddHs(Chem.MolFromSmiles("CCO")), temperature=300.0)
        >>> energy.num_particles
        9
    """

    identical = False

    def __init__(self, mol: Chem.Mol, temperature: float = 300.0, variant: str = "MMFF94") -> None:
        from rdkit import Chem
        from rdkit.Chem import rdForceFieldHelpers

        super().__init__(mol.GetNumAtoms(), 3)
        if not temperature > 0:
            raise ValueError(f"A temperature is positive, in K; got {temperature}.")
        if any(atom.GetNumImplicitHs() for atom in mol.GetAtoms()):
            raise ValueError("The hydrogens of the molecule must be explicit: use Chem.AddHs(mol).")
        mol = Chem.Mol(mol)
        mol.RemoveAllConformers()
        # All atoms in one place: every pair is then within the cutoff that RDKit lists pairs by.
        mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant=variant)
        if properties is None:
            raise ValueError(f"{variant} has no parameters for {Chem.MolToSmiles(Chem.RemoveHs(mol))}.")
        self.thermal_energy = BOLTZMANN * temperature
        self._mol = mol
        self._force_field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties)

    def _energy(self, x: Tensor) -> Tensor:
        return _WithGradient.apply(x, self)

    def energy_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (n,) and gradients (n, N, 3) in reciprocal Angstrom, both over kT; +inf where it is not a number."""
        energies, gradients = [], []
        for positions in x.detach().flatten(1).double().tolist():
            finite = all(map(math.isfinite, positions))
            energies.append(self._force_field.CalcEnergy(positions) if finite else math.nan)
            gradients.append(self._force_field.CalcGrad(positions) if finite else [math.nan] * len(positions))
        energy = x.new_tensor(energies) / self.thermal_energy
        gradient = x.new_tensor(gradients).view(x.shape) / self.thermal_energy
        return energy.where(~energy.isnan(), math.inf), gradient


class _WithGradient(torch.autograd.Function):
    """Energies whose gradient is known beside them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, system: MMFFEnergy) -> Tensor:
        energy, gradient = system.energy_and_gradient(x)
        ctx.save_for_backward(gradient)
        return energy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return grad_output[:, None, None] * gradient, None
