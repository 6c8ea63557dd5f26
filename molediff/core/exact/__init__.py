"""What is known in closed form: Gaussian mixtures under noise, and how fast solvers converge to the answer."""
