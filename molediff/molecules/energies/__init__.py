"""Energies and relaxation: MMFF94s, GFN2-xTB and AIMNet2."""
