"""A molecule being made: its graph filled in, then its shape out of noise."""

from __future__ import annotations

import io
from os import PathLike

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molediff.evaluation.report.gif import draw_frames, write_gif
from molediff.molecules.whole.alphabet import QM9, Alphabet
from molediff.molecules.whole.graphs import matrix_of
from molediff.molecules.whole.result import NewMolecule

_COLOURS = {1: "#c9ced6", 6: "#3d444f", 7: "#2463eb", 8: "#c9372c", 9: "#199e75"}
_SIZES = {1: 60, 6: 200, 7: 200, 8: 200, 9: 200}
_UNKNOWN = "#eceef2"


def write_film(
    result: NewMolecule, file: str | PathLike[str], alphabet: Alphabet = QM9, milliseconds: int = 120
) -> None:
    """Write the way of a molecule that was drawn with `trajectory=True` as a GIF.

    Raises:
        ValueError: the molecule has no shape, or its way was not kept, or the file does not end in .gif.
    """
    if result.mol is None or result.states is None or result.trajectory is None:
        raise ValueError(
            "There is no way to show: draw with trajectory=True, and take a molecule with status 'ok'."
        )
    mol = result.mol
    flat = Chem.RemoveHs(mol)
    rdDepictor.Compute2DCoords(flat)
    places = flat.GetConformer().GetPositions()[:, :2]
    shapes = [*result.trajectory.x_t[:, 0], mol.GetConformer().GetPositions()]
    frame_of_last = _onto_plane(shapes[-1])
    frames: list[tuple[str, np.ndarray]] = [("graph", state) for state in result.states]
    frames += [("shape", (x - x.mean(0)) @ frame_of_last) for x in shapes]
    figure, ax = plt.subplots(figsize=(3.4, 3.4))

    def show(frame: tuple[str, np.ndarray]) -> None:
        kind, value = frame
        ax.clear()
        ax.set_axis_off()
        ax.set_aspect("equal")
        ax.margins(0.2)
        if kind == "graph":
            _draw_graph(ax, places, matrix_of_state(value), alphabet)
        else:
            _draw_shape(ax, mol, value)

    pictures = draw_frames(figure, show, frames)
    plt.close(figure)
    write_gif(file, pictures, milliseconds, hold=2500)


def matrix_of_state(state: np.ndarray) -> np.ndarray:
    """The matrix of a state that is known in part."""
    return matrix_of(state.astype(np.int64))


def picture_of_grid(smiles: list[str], columns: int = 6) -> str:
    """Molecules side by side, as SVG; nothing for none."""
    if not smiles:
        return ""
    from rdkit.Chem import Draw

    mols = [Chem.MolFromSmiles(text) for text in smiles]
    drawn = Draw.MolsToGridImage(
        [mol for mol in mols if mol is not None], molsPerRow=columns, subImgSize=(190, 140), useSVG=True
    )
    text = str(getattr(drawn, "data", drawn))
    buffer = io.StringIO(text[text.index("<svg") :])
    return buffer.getvalue()


def _draw_graph(ax: Axes, places: np.ndarray, matrix: np.ndarray, alphabet: Alphabet) -> None:
    mask = len(alphabet)
    for a, b in zip(*np.triu_indices(len(matrix), 1), strict=True):
        line = places[[a, b]].T
        if matrix[a, b] == mask:
            ax.plot(*line, color=_UNKNOWN, linewidth=1, zorder=1)
        elif matrix[a, b]:
            across = np.array([line[1, 0] - line[1, 1], line[0, 1] - line[0, 0]])
            across = 0.09 * across / max(1e-9, float(np.linalg.norm(across)))
            order = int(matrix[a, b])
            for shift in np.arange(order) - (order - 1) / 2:
                ax.plot(*(line + 2 * shift * across[:, None]), color="#69707d", linewidth=1.8, zorder=2)
    for (x, y), label in zip(places, matrix.diagonal(), strict=True):
        known = label != mask
        element = alphabet.kinds[label].element if known else 0
        ax.scatter([x], [y], s=240, color=_COLOURS.get(element, _UNKNOWN), zorder=3)
        ax.text(
            x, y, alphabet.kinds[label].symbol if known else "?", ha="center", va="center", zorder=4,
            color="white" if known else "#69707d", fontsize=9,
        )  # fmt: skip


def _draw_shape(ax: Axes, mol: Chem.Mol, x: np.ndarray) -> None:
    for bond in mol.GetBonds():
        line = x[[bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()]]
        ax.plot(line[:, 0], line[:, 1], color="#9aa1ab", linewidth=2, zorder=2 + 0.01 * line[:, 2].mean())
    for atom, place in zip(mol.GetAtoms(), x, strict=True):
        number = atom.GetAtomicNum()
        ax.scatter(
            [place[0]],
            [place[1]],
            s=_SIZES[number],
            color=_COLOURS[number],
            edgecolor="white",
            linewidth=0.6,
            zorder=3 + 0.01 * place[2],
        )
    ax.set_xlim(-5.2, 5.2)
    ax.set_ylim(-5.2, 5.2)


def _onto_plane(x: np.ndarray) -> np.ndarray:
    """The rotation under which points are seen from where they spread the most."""
    _, _, axes = np.linalg.svd(x - x.mean(0))
    axes[2] *= np.sign(np.linalg.det(axes))
    turned: np.ndarray = axes.T
    return turned
