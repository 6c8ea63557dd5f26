"""The mathematics of diffusion: paths, targets, objectives, noise, couplings and solvers. Imports torch alone."""
