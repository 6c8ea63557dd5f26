"""A ball-and-stick picture of a conformer over its reference, as SVG."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol, rdMolAlign

from molediff.molecules.rmsd import MAX_MATCHES

ELEMENT_COLOURS = {1: "#e3e6eb", 6: "#4a4f59", 7: "#3157d5", 8: "#d8362a", 9: "#3fae49"}
OTHER_COLOUR = "#b05fc4"
REFERENCE_COLOUR = "#cfc4f2"
_RADII = {1: 0.17}
_HEAVY_RADIUS = 0.27


def aligned_copies(reference: Mol, reference_id: int, sample: Mol, sample_id: int) -> tuple[Mol, Mol]:
    """One reference and one sample, each with a single conformer, best heavy atoms on heavy atoms.

    Both are turned so that the reference lies broadside: its longest axis along x, its shortest towards the viewer.
    """
    fixed, moved = Mol(reference, confId=reference_id), Mol(sample, confId=sample_id)
    _, transform, _ = rdMolAlign.GetBestAlignmentTransform(
        Chem.RemoveHs(moved), Chem.RemoveHs(fixed), maxMatches=MAX_MATCHES
    )
    centre = fixed.GetConformer().GetPositions().mean(axis=0)
    axes = np.linalg.svd(fixed.GetConformer().GetPositions() - centre, full_matrices=True)[2]
    axes[2] *= np.sign(np.linalg.det(axes))
    transform = np.asarray(transform)
    positions = moved.GetConformer().GetPositions() @ transform[:3, :3].T + transform[:3, 3]
    moved.GetConformer().SetPositions(np.ascontiguousarray((positions - centre) @ axes.T))
    fixed.GetConformer().SetPositions(
        np.ascontiguousarray((fixed.GetConformer().GetPositions() - centre) @ axes.T)
    )
    return fixed, moved


def overlay_svg(reference: Mol, sample: Mol, width: int = 210, height: int = 160) -> str:
    """Draw `sample` in the colours of its elements over `reference` as a pale violet band, both seen along z.

    Args:
        reference: molecule with one conformer, from `aligned_copies`.
        sample: the same, turned onto it.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    everything = np.concatenate([mol.GetConformer().GetPositions()[:, :2] for mol in (reference, sample)])
    low, high = everything.min(axis=0) - 0.4, everything.max(axis=0) + 0.4
    scale = min(width / (high[0] - low[0]), height / (high[1] - low[1]), 40.0)
    centre = (low + high) / 2
    body = _halo(reference) + "".join(shape for _, shape in sorted(_shapes(sample), key=lambda item: item[0]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{-width / 2 / scale:.3f} {-height / 2 / scale:.3f} {width / scale:.3f} {height / scale:.3f}">'
        f'<g transform="scale(1,-1) translate({-centre[0]:.3f},{-centre[1]:.3f})" stroke-linecap="round">'
        f"{body}</g></svg>"
    )


def _halo(mol: Mol) -> str:
    """The molecule as a broad pale band behind everything else."""
    positions = mol.GetConformer().GetPositions()
    lines = []
    for bond in mol.GetBonds():
        (x, y, _), (to_x, to_y, _) = positions[bond.GetBeginAtomIdx()], positions[bond.GetEndAtomIdx()]
        hydrogen = 1 in (bond.GetBeginAtom().GetAtomicNum(), bond.GetEndAtom().GetAtomicNum())
        line = f'x1="{x:.2f}" y1="{y:.2f}" x2="{to_x:.2f}" y2="{to_y:.2f}"'
        lines.append(f'<line {line} stroke-width="{0.3 if hydrogen else 0.5}"/>')
    return f'<g stroke="{REFERENCE_COLOUR}">{"".join(lines)}</g>'


def _shapes(mol: Mol) -> list[tuple[float, str]]:
    """(depth, SVG element) of atoms and half bonds, in the colours of the elements."""
    positions = mol.GetConformer().GetPositions()
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    colours = [ELEMENT_COLOURS.get(number, OTHER_COLOUR) for number in numbers]
    shapes = []
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        middle = positions[list(ends)].mean(axis=0)
        stroke = 0.10 if 1 in (numbers[ends[0]], numbers[ends[1]]) else 0.15
        for end in ends:
            x, y, z = positions[end]
            line = f'x1="{x:.2f}" y1="{y:.2f}" x2="{middle[0]:.2f}" y2="{middle[1]:.2f}"'
            shapes.append(
                ((z + middle[2]) / 2, f'<line {line} stroke="{colours[end]}" stroke-width="{stroke}"/>')
            )
    for number, colour, (x, y, z) in zip(numbers, colours, positions, strict=True):
        circle = f'cx="{x:.2f}" cy="{y:.2f}" r="{_RADII.get(number, _HEAVY_RADIUS)}"'
        shapes.append((z, f'<circle {circle} fill="{colour}" stroke="#2b2f36" stroke-width="0.03"/>'))
    return shapes
