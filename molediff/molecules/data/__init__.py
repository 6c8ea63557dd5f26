"""Data sets of conformers, packed in memory."""
