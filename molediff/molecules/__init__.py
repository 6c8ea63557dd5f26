"""Molecules: from SMILES to graphs, data sets of conformers, stereochemistry and the conformer generator."""
