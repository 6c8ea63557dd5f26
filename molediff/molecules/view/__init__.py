"""Conformers to look at: an overlay that turns, in a notebook or a page, without a network."""
