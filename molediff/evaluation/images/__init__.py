"""How good images are."""
