"""From inputs to checked conformers."""
