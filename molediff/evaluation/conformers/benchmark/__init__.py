"""Conformers against references and rivals, in one run."""
