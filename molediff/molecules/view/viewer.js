// A small viewer of conformers on a canvas: drag to turn, wheel to zoom (once clicked), arrow keys or slider to switch.
// It needs nothing else, so that a notebook or a page with it opens offline and stays small.
window.molediff = window.molediff || {};
if (!window.molediff.view) (function (molediff) {
  "use strict";
  const COLOUR = {H: "#e9ecf1", B: "#e8a48f", C: "#5b616c", N: "#3b62e0", O: "#dd3b2e", F: "#45b556", Si: "#c9a06a",
    P: "#e8892b", S: "#dcb81c", Cl: "#2fae3d", Se: "#d9861f", Br: "#a8422a", I: "#8a35a8"};
  const RADIUS = {H: 0.24, B: 0.37, C: 0.37, N: 0.36, O: 0.35, F: 0.33, Si: 0.46, P: 0.44, S: 0.43, Cl: 0.43, Se: 0.46,
    Br: 0.47, I: 0.52};
  const STICK = 0.11, OTHER = "#b05fc4", sprites = {};

  function rgb(hex) { return [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16)); }
  function mixed(hex, share, to) {
    const a = rgb(hex), b = rgb(to);
    return "rgb(" + a.map((v, k) => Math.round(v + (b[k] - v) * share)).join(",") + ")";
  }
  function sprite(element) {
    if (sprites[element]) return sprites[element];
    const size = 96, canvas = document.createElement("canvas"), colour = COLOUR[element] || OTHER;
    canvas.width = canvas.height = size;
    const c = canvas.getContext("2d");
    const g = c.createRadialGradient(size * 0.36, size * 0.33, size * 0.03, size / 2, size / 2, size / 2);
    g.addColorStop(0, mixed(colour, 0.75, "#ffffff"));
    g.addColorStop(0.35, colour);
    g.addColorStop(0.86, mixed(colour, 0.34, "#000000"));
    g.addColorStop(1, mixed(colour, 0.62, "#000000"));
    c.fillStyle = g;
    c.beginPath(); c.arc(size / 2, size / 2, size / 2 - 1, 0, 7); c.fill();
    return sprites[element] = canvas;
  }
  function turned(r, ax, ay) {  // the orientation r after turns about the axes of the screen
    const cx = Math.cos(ax), sx = Math.sin(ax), cy = Math.cos(ay), sy = Math.sin(ay);
    const m = [cy, 0, sy, sx * sy, cx, -sx * cy, -cx * sy, sx, cx * cy], out = new Array(9);
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++)
      out[3 * i + j] = m[3 * i] * r[j] + m[3 * i + 1] * r[3 + j] + m[3 * i + 2] * r[6 + j];
    return out;
  }
  molediff.coordinates = function (text) {  // base64 of 16-bit integers, 1/100 Angstrom
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
    const whole = new Int16Array(bytes.buffer), x = new Float32Array(whole.length);
    for (let k = 0; k < whole.length; k++) x[k] = whole[k] / 100;
    return x;
  };

  // data: elements [symbols], bonds [[i, j, order]], x (n N 3) Float32Array or text, labels [n texts], height
  molediff.view = function (root, data) {
    if (root.dataset.on) return;
    root.dataset.on = "1";
    root.textContent = "";
    const x = typeof data.x === "string" ? molediff.coordinates(data.x) : data.x;
    const N = data.elements.length, n = x.length / (3 * N), height = data.height || 300;
    const heavy = data.elements.map(e => e !== "H"), anyHeavy = heavy.some(Boolean);
    const still = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    let r = still, zoom = 1, current = 0, all = n > 1, hydrogens = true, spin = false, asked = false;
    let wide = 1.5, tall = 1.5, reach = 1.5;
    for (let k = 0; k < x.length; k += 3) {
      wide = Math.max(wide, Math.abs(x[k]) + 0.5); tall = Math.max(tall, Math.abs(x[k + 1]) + 0.5);
      reach = Math.max(reach, Math.hypot(x[k], x[k + 1], x[k + 2]) + 0.5);
    }

    const canvas = document.createElement("canvas"), bar = document.createElement("div");
    const label = document.createElement("span"), slider = document.createElement("input");
    canvas.style.cssText = "display:block;width:100%;height:" + height +
      "px;cursor:grab;touch-action:none;outline-offset:-2px";
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Conformers that can be turned");
    bar.style.cssText = "display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;padding:6px 12px;" +
      "font-size:12.5px;border-top:1px solid #e3e6eb;color:#444b57";
    label.style.cssText = "flex:1 1 190px;font-variant-numeric:tabular-nums";
    root.appendChild(canvas); root.appendChild(bar);
    if (n > 1) {
      slider.type = "range"; slider.min = 0; slider.max = n - 1; slider.value = current;
      slider.setAttribute("aria-label", "Conformer");
      slider.style.cssText = "flex:1 1 90px;max-width:200px;margin:0";
      slider.addEventListener("input", () => show(+slider.value));
      bar.appendChild(slider);
    }
    bar.appendChild(label);
    function tick(text, on, change) {
      const box = document.createElement("input"), name = document.createElement("label");
      box.type = "checkbox"; box.checked = on; box.style.margin = "0 4px 0 0";
      name.style.cssText = "display:inline-flex;align-items:center;cursor:pointer;margin:0";
      box.addEventListener("change", () => { change(box.checked); draw(); });
      name.appendChild(box); name.appendChild(document.createTextNode(text));
      bar.appendChild(name);
    }
    if (n > 1) tick("overlay", all, on => { all = on; });
    if (anyHeavy && !heavy.every(Boolean)) tick("hydrogens", hydrogens, on => { hydrogens = on; });
    tick("spin", spin, on => { spin = on; if (on) requestAnimationFrame(step); });

    function show(k) {
      current = (k + n) % n; slider.value = current;
      const text = (data.labels || [])[current] || "", place = n > 1 ? "conformer " + (current + 1) + " of " + n : "";
      label.textContent = place + (place && text ? " · " : "") + text;
      draw();
    }
    function step() {
      if (!spin || !canvas.isConnected) return;
      r = turned(r, 0, 0.012); paint(); requestAnimationFrame(step);
    }
    function draw() { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; paint(); }); } }

    function paint() {
      const ratio = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
      if (!w || !h) return;
      canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
      const c = canvas.getContext("2d"), far = 4 * reach;
      // As large as it fits lying still; turned on end a long molecule is made smaller.
      const scale = 0.92 * zoom * Math.min(w / (2 * wide), h / (2 * Math.max(tall, 0.62 * reach)));
      c.setTransform(ratio, 0, 0, ratio, w * ratio / 2, h * ratio / 2);
      c.clearRect(-w / 2, -h / 2, w, h);
      c.lineCap = "round";
      function placed(k) {
        const p = new Float32Array(4 * N);
        for (let a = 0; a < N; a++) {
          const o = 3 * (k * N + a), X = x[o], Y = x[o + 1], Z = x[o + 2];
          const z = r[6] * X + r[7] * Y + r[8] * Z, s = scale * far / (far - z);
          p[4 * a] = s * (r[0] * X + r[1] * Y + r[2] * Z); p[4 * a + 1] = -s * (r[3] * X + r[4] * Y + r[5] * Z);
          p[4 * a + 2] = z; p[4 * a + 3] = s;
        }
        return p;
      }
      const seen = a => hydrogens || heavy[a] || !anyHeavy;
      if (all) {
        c.globalAlpha = Math.max(0.16, Math.min(0.5, 5 / n));
        for (let k = 0; k < n; k++) if (k !== current) thin(placed(k));
        c.globalAlpha = 1;
      }
      whole(placed(current));

      function thin(p) {  // heavy atoms alone: they are what is overlaid
        for (const [i, j] of data.bonds) {
          if (anyHeavy && !(heavy[i] && heavy[j])) continue;
          const mx = (p[4 * i] + p[4 * j]) / 2, my = (p[4 * i + 1] + p[4 * j + 1]) / 2;
          for (const a of [i, j])
            line(p[4 * a], p[4 * a + 1], mx, my, Math.max(1, 0.06 * scale), COLOUR[data.elements[a]] || OTHER);
        }
      }
      function whole(p) {
        const shapes = [];
        for (const [i, j, order] of data.bonds) if (seen(i) && seen(j)) {
          const dx = p[4 * j] - p[4 * i], dy = p[4 * j + 1] - p[4 * i + 1], d = Math.hypot(dx, dy) || 1;
          const offsets = order === 2 ? [-1, 1] : order === 3 ? [-1.6, 0, 1.6] : [0];
          const width = (order > 1 ? 0.6 : 1) * STICK * 2;
          for (const a of [i, j]) {
            const z = 0.75 * p[4 * a + 2] + 0.25 * p[4 * (a === i ? j : i) + 2], s = p[4 * a + 3];
            shapes.push([z, () => { for (const off of offsets) {
              const ox = -dy / d * off * STICK * s, oy = dx / d * off * STICK * s;
              stick(p[4 * a] + ox, p[4 * a + 1] + oy, (p[4 * i] + p[4 * j]) / 2 + ox,
                (p[4 * i + 1] + p[4 * j + 1]) / 2 + oy, width * s, COLOUR[data.elements[a]] || OTHER, z);
            } }]);
          }
        }
        for (let a = 0; a < N; a++) if (seen(a)) shapes.push([p[4 * a + 2] + 0.02, () => {
          const e = data.elements[a], size = (RADIUS[e] || 0.45) * p[4 * a + 3], X = p[4 * a], Y = p[4 * a + 1];
          c.drawImage(sprite(e), X - size, Y - size, 2 * size, 2 * size);
          const share = pale(p[4 * a + 2]);
          if (share > 0.02) {
            c.fillStyle = "rgba(255,255,255," + share.toFixed(2) + ")";
            c.beginPath(); c.arc(X, Y, size, 0, 7); c.fill();
          }
        }]);
        shapes.sort((a, b) => a[0] - b[0]).forEach(shape => shape[1]());
      }
      function pale(z) { return 0.5 * Math.max(0, -z) / reach; }  // what lies behind fades
      function line(x0, y0, x1, y1, width, colour) {
        c.strokeStyle = colour; c.lineWidth = width;
        c.beginPath(); c.moveTo(x0, y0); c.lineTo(x1, y1); c.stroke();
      }
      function stick(x0, y0, x1, y1, width, colour, z) {
        const share = pale(z);
        line(x0, y0, x1, y1, width, mixed(colour, 0.5 * (1 - share), share > 0.25 ? "#ffffff" : "#000000"));
        line(x0, y0, x1, y1, width * 0.72, mixed(colour, share, "#ffffff"));
        line(x0, y0, x1, y1, width * 0.26, mixed(colour, 0.4 + share / 2, "#ffffff"));
      }
    }

    let from = null;
    canvas.addEventListener("pointerdown", event => {
      from = [event.clientX, event.clientY]; canvas.style.cursor = "grabbing";
      try { canvas.setPointerCapture(event.pointerId); } catch (error) { /* a pointer that is gone already */ }
    });
    canvas.addEventListener("pointermove", event => {
      if (!from) return;
      r = turned(r, (event.clientY - from[1]) * 0.01, (event.clientX - from[0]) * 0.01);
      from = [event.clientX, event.clientY]; draw();
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => { from = null; canvas.style.cursor = "grab"; });
    canvas.addEventListener("wheel", event => {
      if (document.activeElement !== canvas) return;  // the page scrolls until the molecule is clicked
      event.preventDefault();
      zoom = Math.max(0.3, Math.min(8, zoom * Math.exp(-event.deltaY * 0.0015))); draw();
    }, {passive: false});
    canvas.addEventListener("dblclick", () => { r = still; zoom = 1; draw(); });
    canvas.addEventListener("keydown", event => {
      const move = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (move && n > 1) { event.preventDefault(); show(current + move); }
    });
    if (window.ResizeObserver) new ResizeObserver(draw).observe(canvas);
    root.molediff = {show, current: () => current, orientation: () => r.slice()};
    show(current);
  };
  molediff.mount = function () {
    document.querySelectorAll(".molediff-view[data-molecule]:not([data-on])").forEach(
      root => molediff.view(root, JSON.parse(root.dataset.molecule)));
  };
})(window.molediff);
