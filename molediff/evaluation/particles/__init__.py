"""How good samples of particle systems are."""
