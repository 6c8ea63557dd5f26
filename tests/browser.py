"""A page in headless Chromium: what a script finds in it, and what went wrong in its console."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--window-size=1280,900",
    "--virtual-time-budget=20000", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
)  # fmt: skip
_BEFORE = """<script>window.__errors = [];
window.addEventListener("error", ({message, target}) =>
  window.__errors.push(String(message || target.src || target.href)), true);
window.addEventListener("unhandledrejection", event => window.__errors.push(String(event.reason)));
for (const kind of ["error", "warn"]) console[kind] = (...words) => window.__errors.push(words.join(" "));
// Without a screen Chromium draws no frames of its own accord.
window.requestAnimationFrame = draw => setTimeout(draw, 16);
window.boom = () => window.__errors.push("a name was run as a script");</script>"""
_AFTER = """<script>window.addEventListener("load", async () => {
  const later = () => new Promise(done => setTimeout(done, 150));
  let found;
  try { await later(); found = await (async () => { %s })(); }
  catch (error) { window.__errors.push("the test: " + error); found = {}; }
  const out = document.createElement("pre");
  out.id = "__found"; out.textContent = JSON.stringify({...found, errors: window.__errors});
  document.body.appendChild(out);
});</script>"""


def run_page(page: Path, script: str) -> dict[str, Any]:
    """What `script` returns when the page has loaded, and as "errors" whatever the console or the page complained of.

    Args:
        page: an HTML file, opened without a network.
        script: the body of an asynchronous function; `await later()` waits for what was asked to be drawn.
    """
    chromium = next(filter(None, map(shutil.which, _NAMES)), None)
    if chromium is None:
        pytest.skip("there is no Chromium here to open a page with (apt-get install chromium)")
    text = page.read_text(encoding="utf-8")
    watched = page.with_name(f"watched_{page.name}")
    assert text.count("</body>") == 1
    watched.write_text(
        text.replace("<head>", f"<head>{_BEFORE}", 1).replace("</body>", f"{_AFTER % script}</body>"),
        encoding="utf-8",
    )
    done = subprocess.run(
        [chromium, *_OPTIONS, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom", watched.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    match = re.search(r'<pre id="__found">(.*?)</pre>', done.stdout, flags=re.S)
    assert match, f"the page did not come to its end: {done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(unescape(match[1]))
    found["errors"] += re.findall(r"CONSOLE\S*\] (.*)", done.stderr)
    return found
