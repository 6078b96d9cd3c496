/* Draws the lake's mouse moves over the shop, in cells counted from the middle of the window. */
const CELL = 8;
const WIDE = 1120;
const REACH = 22;
const shades = [[0.0, 43, 75, 199], [0.35, 20, 160, 150], [0.6, 240, 190, 40], [0.8, 235, 95, 30], [1.0, 190, 20, 40]];

function shade(heat) {
  const next = shades.findIndex(([at]) => at >= heat);
  if (next <= 0) return shades[0].slice(1);
  const [from, ...a] = shades[next - 1];
  const [to, ...b] = shades[next];
  return a.map((value, i) => value + ((heat - from) / (to - from)) * (b[i] - value));
}

function blot() {
  const dot = Object.assign(document.createElement("canvas"), { width: 2 * REACH, height: 2 * REACH });
  const pen = dot.getContext("2d");
  const fade = pen.createRadialGradient(REACH, REACH, 0, REACH, REACH, REACH);
  fade.addColorStop(0, "rgba(0,0,0,1)");
  fade.addColorStop(1, "rgba(0,0,0,0)");
  pen.fillStyle = fade;
  pen.fillRect(0, 0, 2 * REACH, 2 * REACH);
  return dot;
}

function paint(canvas, cells) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const dot = blot();
  const most = Math.log1p(cells[0][2]);
  for (const [across, down, moves] of cells) {
    pen.globalAlpha = 0.12 + 0.5 * (Math.log1p(moves) / most);
    pen.drawImage(dot, canvas.width / 2 + (across + 0.5) * CELL - REACH, (down + 0.5) * CELL - REACH);
  }
  const image = pen.getImageData(0, 0, canvas.width, canvas.height);
  const palette = Array.from({ length: 256 }, (_, alpha) => shade(alpha / 255));
  for (let i = 0; i < image.data.length; i += 4) {
    const alpha = image.data[i + 3];
    if (alpha) image.data.set([...palette[alpha], Math.min(215, 50 + alpha)], i);
  }
  pen.putImageData(image, 0, 0);
}

const many = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

async function show() {
  document.getElementById("shop").inert = true;
  const state = document.getElementById("state");
  const wide = innerWidth >= WIDE;
  const answer = await fetch("/demo/moves?wide=" + (wide ? 1 : 0)).catch(() => ({ ok: false }));
  const cells = answer.ok ? await answer.json() : [];
  document.querySelector("canvas")?.remove();
  const total = cells.reduce((all, cell) => all + cell[2], 0);
  if (!answer.ok) state.textContent = "The lake could not be asked; is the mesh running?";
  else if (!total) state.textContent = "Nothing has landed yet from pages laid out as this one. Move the mouse over the shop, then wait some ten seconds.";
  else state.textContent = `${many(total, "move")} in ${many(cells.length, "place")}.`;
  if (!total) return;
  const canvas = Object.assign(document.createElement("canvas"), { width: innerWidth, height: document.documentElement.scrollHeight });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Heat map: " + state.textContent);
  document.body.append(canvas);
  paint(canvas, cells);
}

let later;
addEventListener("resize", () => {
  clearTimeout(later);
  later = setTimeout(show, 300);
});
show();
