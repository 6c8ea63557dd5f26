"""What the reports of all domains share: one HTML page that opens without a network, and the figures as JSON."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from molediff.evaluation.report.style import CSS
from molediff.runtime.files import complete_file


def document(title: str, protocol: Mapping[str, Any], body: str) -> str:
    """A whole page: heading, how it was measured, and `body`, HTML of sections."""
    items = "".join(f"<span><b>{escape(str(k))}</b> {escape(str(v))}</span>" for k, v in protocol.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{CSS}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><div class="protocol">{items}</div>{body}</main></body></html>'
    )


def section(title: str, content: str, note: str = "") -> str:
    """A card with a heading, HTML, and plain text below it in small print."""
    small = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{content}{small}</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], data_rows: Iterable[str] = ()) -> str:
    """A table of texts whose first column names the row; rows named in `data_rows` are those of real data."""
    grey = set(data_rows)
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = []
    for name, *cells in rows:
        kind = ' class="data"' if name in grey else ""
        entries = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f"<tr{kind}><th>{escape(name)}</th>{entries}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def svg(figure: Figure) -> str:
    """The figure as SVG text that can stand in a page; the same figure gives the same text."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def write_files(folder: str | PathLike[str], metrics: Mapping[str, Any], page: str) -> tuple[Path, Path]:
    """Write `metrics.json` and `report.html` into `folder`, each whole or not at all.

    Args:
        folder: made if missing.
        metrics: strict JSON values: no NaN.
        page: the whole page.

    Returns:
        The paths of the two files.

    Raises:
        OSError: the folder cannot be written.
    """
    metrics_path, report_path = Path(folder) / "metrics.json", Path(folder) / "report.html"
    with complete_file(metrics_path) as file:
        json.dump(metrics, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
    with complete_file(report_path) as file:
        file.write(page)
    return metrics_path, report_path


def html_of(picture: Image.Image, description: str) -> str:
    """The picture inside a page, in its own size."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return _tag(buffer.getvalue(), "png", description)


def html_of_film(gif: bytes, description: str) -> str:
    """A film inside a page."""
    return _tag(gif, "gif", description)


def _tag(data: bytes, kind: str, description: str) -> str:
    text = base64.b64encode(data).decode("ascii")
    return f'<img class="pixels" alt="{description}" src="data:image/{kind};base64,{text}">'
