"""Torch modules: networks that predict, equivariantly, what a diffusion model regresses."""
