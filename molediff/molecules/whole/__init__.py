"""Whole new molecules: a graph by discrete diffusion, its shape by the conformer model."""
