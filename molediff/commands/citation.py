"""`molediff citation`: what to cite."""

from __future__ import annotations

_TEXT = """\
If you use molediff in your work, please cite it and, where you use them, what it stands on.

@software{{molediff,
  title   = {{molediff: diffusion models of three-dimensional structures}},
  author  = {{The molediff authors}},
  version = {{{version}}},
  license = {{MIT}}
}}

QM9, on which the weights qm9* were trained:
  Ramakrishnan, Dral, Rupp, von Lilienfeld, Scientific Data 1, 140022 (2014)
GFN2-xTB, whose minima qm9, qm9_distilled and qm9_fast know (relax gfn2, energies gfn2):
  Bannwarth, Ehlert, Grimme, Journal of Chemical Theory and Computation 15, 1652 (2019)
AIMNet2, on whose minima drugs was trained (relax aimnet2, energies aimnet2):
  Anstine, Zubatyuk, Isayev, AIMNet2 (2025)
"""


def citation() -> None:
    """Print what to cite."""
    import molediff

    print(_TEXT.format(version=molediff.__version__), end="")
