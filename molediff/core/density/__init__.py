"""Densities of a diffusion model: likelihoods by the probability-flow ODE, divergences, and the flow both ways."""
