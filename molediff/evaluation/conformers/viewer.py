"""Molecules that can be turned: a plotly figure of conformers over their references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import plotly.offline
from rdkit.Chem import Mol

from molediff.evaluation.conformers.drawing import ELEMENT_COLOURS, OTHER_COLOUR, REFERENCE_COLOUR


@dataclass(frozen=True)
class Overlay:
    """One picture of the viewer: both molecules have one conformer and lie on each other."""

    title: str
    reference: Mol
    sample: Mol


def viewer_html(overlays: Sequence[Overlay]) -> str:
    """A 3D view with a menu of molecules, as a piece of HTML that needs `viewer_script` once in the page."""
    figure = go.Figure()
    for index, overlay in enumerate(overlays):
        for trace in (
            _bonds(overlay.reference, REFERENCE_COLOUR, 9, "reference"),
            _bonds(overlay.sample, "#6b7280", 6, "conformer"),
            _atoms(overlay.sample),
        ):
            trace.visible = index == 0
            figure.add_trace(trace)
    hidden = {"visible": False}
    figure.update_layout(
        height=460,
        margin={"l": 0, "r": 0, "t": 44, "b": 0},
        scene={"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"},
        scene_camera={"eye": {"x": 0.0, "y": 0.0, "z": 1.9}, "up": {"x": 0, "y": 1, "z": 0}},
        legend={"x": 0, "y": 0},
        updatemenus=[
            {
                "buttons": [
                    {
                        "label": overlay.title,
                        "method": "update",
                        "args": [{"visible": _shown(index, len(overlays))}],
                    }
                    for index, overlay in enumerate(overlays)
                ],
                "x": 0,
                "xanchor": "left",
                "y": 1.1,
                "yanchor": "top",
            }
        ],
    )
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, div_id="viewer", config={"displaylogo": False}
    )
    return html


def viewer_script() -> str:
    """Plotly's JavaScript out of its wheel (4.8 MB), so that the page needs no network."""
    script: str = plotly.offline.get_plotlyjs()
    return script


def _shown(index: int, number: int) -> list[bool]:
    return [other == index for other in range(number) for _ in range(3)]


def _bonds(mol: Mol, colour: str, width: float, name: str) -> Any:
    positions = mol.GetConformer().GetPositions().round(3)
    path: list[list[float | None]] = [[], [], []]
    for bond in mol.GetBonds():
        for axis in range(3):
            path[axis] += [
                float(positions[bond.GetBeginAtomIdx(), axis]),
                float(positions[bond.GetEndAtomIdx(), axis]),
                None,
            ]
    return go.Scatter3d(
        x=path[0],
        y=path[1],
        z=path[2],
        mode="lines",
        name=name,
        hoverinfo="skip",
        line={"color": colour, "width": width},
    )


def _atoms(mol: Mol) -> Any:
    x, y, z = (column.tolist() for column in mol.GetConformer().GetPositions().round(3).T)
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        showlegend=False,
        text=[f"{atom.GetSymbol()}{atom.GetIdx()}" for atom in mol.GetAtoms()],
        hoverinfo="text",
        marker={
            "size": [5 if number == 1 else 9 for number in numbers],
            "color": [ELEMENT_COLOURS.get(number, OTHER_COLOUR) for number in numbers],
            "opacity": 1.0,
            "line": {"color": "#2b2f36", "width": 1},
        },
    )
