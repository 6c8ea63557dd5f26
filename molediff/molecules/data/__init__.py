"""Data sets of conformers: their sources, how they are packed, and the batches made of them."""
