"""How figures and the report's page look."""

from __future__ import annotations

from typing import Any

DATA_COLOUR = "#9aa1ab"
METHOD_COLOURS = ("#2463eb", "#e0851b", "#199e75", "#a8328c", "#c9372c", "#5b6472", "#17b3c4", "#7a5b2e")
FIGURE_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#b9bfc9",
    "axes.labelcolor": "#444b57",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eceef2",
    "xtick.color": "#69707d",
    "ytick.color": "#69707d",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "molediff",
}

CSS = """
:root { color-scheme: light; --ink: #1d2129; --soft: #69707d; --line: #e3e6eb; --accent: #2463eb; }
* { box-sizing: border-box; }
body {
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink); margin: 0;
  background: #f6f7f9;
}
main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 6px; }
h2 { font-size: 18px; margin: 0 0 10px; }
section {
  background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px;
  margin-top: 18px;
}
.protocol { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; }
.protocol span {
  background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: 2px 9px; font-size: 12.5px;
}
.protocol b { font-weight: 500; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 5px 9px; text-align: right; white-space: nowrap; }
thead th { font-weight: 500; color: var(--soft); vertical-align: bottom; }
th.group { text-align: left; color: var(--ink); border-bottom: 1px solid var(--line); font-weight: 600; }
thead small { display: block; font-size: 11px; color: #9aa1ab; }
tbody th { text-align: left; font-weight: 600; }
tbody tr { border-top: 1px solid var(--line); }
tr.data { background: #f3f4f7; }
tr.data th { font-weight: 500; font-style: italic; }
td.best { font-weight: 700; color: #0c7a53; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 7px; }
table + table, .scroll + .scroll { margin-top: 18px; }
p.note, details { font-size: 13px; color: var(--soft); margin: 12px 0 0; }
details dl { margin: 8px 0 0; }
dt { font-weight: 600; color: var(--ink); float: left; clear: left; margin-right: 8px; }
dd { margin: 0 0 3px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 18px; }
.pair section { margin-top: 18px; }
section > svg { width: 100%; max-width: 1080px; height: auto; display: block; margin: 0 auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 12px; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; padding: 8px; text-align: center; }
figure svg { max-width: 100%; }
img.pixels { max-width: 100%; display: block; margin: 12px auto 0; border-radius: 6px; }
figcaption { font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
figcaption b { color: var(--ink); display: block; }
h3 { font-size: 14px; margin: 14px 0 8px; }
h3:first-of-type { margin-top: 0; }
@media (max-width: 900px) { .pair { grid-template-columns: 1fr; } }
"""
