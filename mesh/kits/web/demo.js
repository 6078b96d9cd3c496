/* Counts what the snippet records in this tab, and asks the lake what has arrived of it. */
const recorded = JSON.parse(sessionStorage.demo || "{}");
let session, drawing;
let landed = {};

const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);
const cell = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

function draw() {
  drawing = 0;
  const rows = Object.keys(recorded).map((type) => {
    const row = document.createElement("tr");
    const name = cell("th", type);
    name.scope = "row";
    row.append(name, cell("td", recorded[type]), cell("td", landed[type] || 0));
    row.classList.toggle("same", recorded[type] === landed[type]);
    return row;
  });
  document.getElementById("rows").replaceChildren(...rows);
  const open = sum(recorded) - sum(landed);
  const text = open ? `${open} on the way: sent within seconds, in the lake some ten seconds later.` : "All of it is in the lake.";
  const state = document.getElementById("state");
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("same", !open);
}

addEventListener("tapmesh", ({ detail }) => {
  session = detail.session;
  recorded[detail.eventType] = (recorded[detail.eventType] || 0) + 1;
  sessionStorage.demo = JSON.stringify(recorded);
  drawing ||= requestAnimationFrame(draw);
});

async function ask() {
  if (session && !document.hidden && sum(recorded) !== sum(landed)) {
    try {
      const answer = await fetch("/demo/counts?session=" + encodeURIComponent(session));
      if (answer.ok) landed = await answer.json();
      draw();
    } catch {} // the mesh is down or the network cut: asked again below
  }
  setTimeout(ask, 2000);
}
ask();

// The search: goods that do not match go; the place they leave stays, so that what is below is where the heat map has it.
document.querySelector("input[type=search]").addEventListener("input", ({ target }) => {
  const goods = document.querySelector(".goods");
  const wanted = target.value.trim().toLowerCase();
  goods.style.minHeight ||= `${goods.getBoundingClientRect().height}px`;
  let found = 0;
  for (const article of goods.querySelectorAll("article")) {
    article.hidden = !article.textContent.toLowerCase().includes(wanted);
    found += !article.hidden;
  }
  document.getElementById("found").textContent = found ? "" : `Nothing here is called “${target.value.trim()}”.`;
});
