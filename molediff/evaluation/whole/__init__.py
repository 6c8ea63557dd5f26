"""How good whole generated molecules are: stability, novelty, and how their geometry is distributed."""
