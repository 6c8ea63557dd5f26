"""Metrics of conformers: one question, one function, one file."""
