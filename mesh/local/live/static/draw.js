// Sparklines, and the chart of a query's result, as SVG.

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function line(values, width, height) {
  const most = Math.max(...values, 1e-9);
  const points = values.map((value, at) => `${(at * width) / (values.length - 1)},${height - 1 - (value / most) * (height - 2)}`);
  const path = `M${points.join("L")}`;
  return [svg("path", { class: "under", d: `${path}V${height}H0Z` }), svg("path", { d: path })];
}

export function drawSpark(element, values) {
  const quiet = values.every((value) => value === 0);
  if (quiet && !element.firstChild) return;
  element.replaceChildren(...(quiet ? [] : line(values, 59, 20)));
}

const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 3 });

function box(name, ...children) {
  const element = Object.assign(document.createElement("div"), { className: name });
  element.append(...children);
  return element;
}

function bars({ labels, values }) {
  const most = Math.max(...values, 1e-9);
  const rows = values.flatMap((value, at) => {
    const bar = box("bar");
    bar.style.width = `${(value / most) * 100}%`;
    return [box("label", labels[at]), box("", bar), box("number", number(value))];
  });
  return Object.assign(box("bars", ...rows), { role: "img", ariaLabel: `Bars: ${labels.length} rows, as in the table` });
}

function axis(...texts) {
  return box("axis", ...texts.map((text) => box("", text)));
}

export function drawChart(place, chart) {
  if (!chart) place.replaceChildren();
  else if (chart.kind === "bars") place.replaceChildren(bars(chart));
  else {
    const options = { class: "line", height: 140, viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": "A line, as in the table" };
    const drawn = svg("svg", options, ...line(chart.values, 100, 100));
    place.replaceChildren(axis(`most: ${number(Math.max(...chart.values))}`), drawn, axis(chart.labels[0], chart.labels.at(-1)));
  }
}
