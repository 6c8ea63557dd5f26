// The table of a report: sorting, searching, what opens under a row, and CSV. Texts only ever become text nodes.
(async function () {
  "use strict";
  const body = document.getElementById("rows"), rows = [...body.querySelectorAll("tr.molecule")];
  const search = document.getElementById("search"), only = document.getElementById("only");
  const heads = [...document.querySelectorAll("#molecules > thead th")];
  let molecules = null;

  function made(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    return element;
  }
  function value(row, column) {
    const cell = row.children[column], raw = cell.dataset.v;
    if (raw === undefined) return cell.textContent.trim().toLowerCase();
    return raw === "" ? null : Number(raw);
  }
  function close(row) {
    const next = row.nextElementSibling;
    if (next && next.classList.contains("detail")) next.remove();
    row.classList.remove("open");
    row.querySelector("td.name button").setAttribute("aria-expanded", "false");
  }

  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.forEach(close);
      rows.sort((a, b) => {
        const x = value(a, column), y = value(b, column);
        if (x === null || y === null) return (x === null) - (y === null);  // what is not known comes last
        return (x < y ? -1 : x > y ? 1 : a.dataset.k - b.dataset.k) * (up ? 1 : -1);
      });
      rows.forEach(row => body.appendChild(row));
    });
  });

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase(), kind = only.value;
      const fits = words.every(word => text.includes(word)) && (kind === "all" || row.dataset.kind.split(" ").includes(kind));
      row.hidden = !fits;
      if (!fits) close(row);
      shown += fits;
    }
    document.getElementById("count").textContent = shown + " of " + rows.length + " molecules";
  }
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  filter();

  function csv() {
    const quoted = text => /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
    const lines = [JSON.parse(document.getElementById("csv-head").textContent)];
    for (const row of rows) if (!row.hidden) lines.push(JSON.parse(row.dataset.csv));
    return lines.map(line => line.map(entry => quoted(entry === null ? "" : String(entry))).join(",")).join("\r\n") + "\r\n";
  }
  document.getElementById("csv").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], {type: "text/csv;charset=utf-8"}));
    link.download = (document.title.replace(/[^\w.-]+/g, "_").slice(0, 60) || "report") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  window.molediffReport = {csv};

  function picture(svg) {  // as an image, in which no script runs
    const image = made("img");
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
    image.alt = "Structural formula";
    return image;
  }
  function detail(row) {
    const m = molecules[row.dataset.k], line = made("tr", null, "detail"), cell = made("td"), inside = made("div", null, "inside");
    cell.colSpan = heads.length; line.appendChild(cell); cell.appendChild(inside);
    const left = made("div", null, "box"), right = made("div", null, "box");
    inside.appendChild(left); inside.appendChild(right);
    const viewer = made("div");
    if (m.x.length) left.appendChild(viewer);
    else left.appendChild(made("div", "There is no structure to show.", "pad"));
    if (m.svg) left.appendChild(made("div", null, "pad large")).appendChild(picture(m.svg));
    if (m.more) left.appendChild(made("div", m.more, "pad"));
    const warnings = made("div", null, "pad");
    warnings.appendChild(made("h3", m.warnings.length ? "Look at" : "Nothing is odd"));
    const list = made("ul");
    for (const [title, text] of m.warnings) {
      const item = made("li");
      item.appendChild(made("b", title + ": ")); item.appendChild(document.createTextNode(text)); list.appendChild(item);
    }
    if (m.warnings.length) warnings.appendChild(list);
    right.appendChild(warnings);
    if (m.findings.length > 1) {
      const all = made("details", null, "pad"), items = made("ul");
      all.appendChild(made("summary", "All " + m.findings.length + " findings"));
      for (const [text, which] of m.findings) items.appendChild(made("li", text + " (" + which + ")"));
      all.appendChild(items); right.appendChild(all);
    }
    if (m.conformers.length) right.appendChild(conformers(m, viewer));
    const facts = made("div", null, "pad"), terms = made("dl");
    for (const [name, text] of m.facts) { terms.appendChild(made("dt", name)); terms.appendChild(made("dd", text)); }
    facts.appendChild(terms); right.appendChild(facts);
    row.after(line);
    if (m.x.length) window.molediff.view(viewer, {elements: m.elements, bonds: m.bonds, labels: m.labels, x: m.x, height: 330});
  }
  function conformers(m, viewer) {
    const box = made("div", null, "conformers"), table = made("table"), head = made("tr"), inner = made("tbody");
    for (const title of ["", m.energy_title, "weight", "strain", "checks"]) head.appendChild(made("th", title));
    head.firstChild.className = "left"; head.lastChild.className = "left";
    const highest = Math.max(1e-9, ...m.conformers.map(c => c[0] || 0));
    m.conformers.forEach(([energy, weight, strain, failed], k) => {
      const line = made("tr"), cell = made("td");
      line.appendChild(made("td", String(k + 1), "left"));
      if (energy !== null) {
        const bar = made("span", null, "bar");
        bar.style.width = Math.round(60 * energy / highest) + "px";
        cell.appendChild(bar); cell.appendChild(document.createTextNode(energy.toFixed(2)));
      } else cell.textContent = "–";
      line.appendChild(cell);
      line.appendChild(made("td", weight === null ? "–" : weight.toFixed(3)));
      line.appendChild(made("td", strain === null ? "–" : strain.toFixed(1)));
      line.appendChild(made("td", failed || "passed", "left"));
      const place = m.rows.indexOf(k);
      if (place >= 0) line.addEventListener("click", () => {
        viewer.molediff.show(place);
        inner.querySelectorAll(".front").forEach(other => other.classList.remove("front"));
        line.classList.add("front");
      });
      inner.appendChild(line);
    });
    const top = made("thead"); top.appendChild(head); table.appendChild(top); table.appendChild(inner); box.appendChild(table);
    return box;
  }
  function toggle(row) {
    if (row.classList.contains("open")) return close(row);
    if (!molecules) return;
    row.classList.add("open");
    row.querySelector("td.name button").setAttribute("aria-expanded", "true");
    detail(row);
  }
  rows.forEach(row => row.addEventListener("click", () => toggle(row)));

  // Pictures and coordinates lie packed in the page: [length of JSON][JSON][low bytes][high bytes] of 1/100 Angstrom.
  async function unpacked() {
    const raw = atob(document.getElementById("packed").textContent.trim()), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const all = new Uint8Array(await new Response(stream).arrayBuffer());
    const length = new DataView(all.buffer).getUint32(0, true);
    const found = JSON.parse(new TextDecoder().decode(all.subarray(4, 4 + length)));
    const rest = all.subarray(4 + length), half = rest.length / 2, x = new Float32Array(half);
    for (let k = 0; k < half; k++) x[k] = ((rest[k] | rest[half + k] << 8) << 16 >> 16) / 100;
    let begin = 0;
    for (const m of found) { m.x = x.subarray(begin, begin + m.num); begin += m.num; }
    return found;
  }
  try {
    molecules = await unpacked();
  } catch (error) {
    document.getElementById("count").textContent += " · this browser is too old for pictures";
    return;
  }
  for (const row of rows) {
    const svg = molecules[row.dataset.k].svg;
    if (svg) row.querySelector("td.picture").appendChild(picture(svg));
  }
  if (rows.length === 1) toggle(rows[0]);
  document.body.dataset.ready = "1";
})();
