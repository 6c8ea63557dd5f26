"""Energies and relaxation: MMFF94s and GFN2-xTB."""
