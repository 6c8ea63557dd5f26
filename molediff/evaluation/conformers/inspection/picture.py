"""A small structural formula as SVG that is short enough for a page with a hundred of them."""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D

WIDTH, HEIGHT = 220, 150

_CLASSES = re.compile(r" class='[^']*'")
_DECIMALS = re.compile(r"(\d+\.\d)\d+")
_COMMENTS = re.compile(r"<!--.*?-->|<\?xml.*?\?>", flags=re.S)


def formula_svg(mol: Chem.Mol) -> str:
    """The structural formula of a molecule without its hydrogens; empty if RDKit cannot draw it.

    Nothing that a file says of the molecule, such as labels of its atoms, gets into the picture.
    """
    with rdBase.BlockLogs():
        try:
            plain = Chem.Mol(mol.ToBinary(int(Chem.PropertyPickleOptions.NoProps)))
            plain.RemoveAllConformers()
            plain = Chem.RemoveHs(plain)
            drawer: Any = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT, -1, -1, True)
            options = drawer.drawOptions()
            options.clearBackground = False
            options.bondLineWidth = 1.3
            options.fixedBondLength = 22
            options.padding = 0.04
            drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(plain))
            drawer.FinishDrawing()
            text = str(drawer.GetDrawingText())
        except (ValueError, RuntimeError):
            return ""
    short = _DECIMALS.sub(r"\1", _CLASSES.sub("", _COMMENTS.sub("", text)))
    return " ".join(short.split())
