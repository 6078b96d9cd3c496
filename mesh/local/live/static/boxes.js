// The boxes: a record to the chosen tap, SQL over the lake. Whatever comes back is put in as text, never as HTML.
import { drawChart } from "./draw.js";

const SHORT = 36; // characters: no column is narrower for them
const by = (id) => document.getElementById(id);

function make(tag, text, name = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className: name });
}

async function ask(path, question) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(question) });
    return { status: answer.status, said: await answer.json() };
  } catch {
    return { status: 0, said: { error: "not_connected", message: "The server does not answer.", hint: "Is tapmesh dev running?" } };
  }
}

async function whileBusy(form, work) {
  const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
  if (!buttons.length) return; // one at a time
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } finally {
    for (const button of buttons) button.disabled = false;
    if (document.activeElement === document.body) focused.focus(); // a disabled button loses it
  }
}

function refused({ error, message, hint }) {
  return [make("p", `${error}: ${message}`, "bad"), make("p", hint, "hint")];
}

async function send() {
  const { status, said } = await ask("/live/send", { tap: document.body.dataset.tap, body: by("record").value });
  if (status !== 200) return by("receipt").replaceChildren(...refused(said));
  const took = `${said.accepted} accepted (${said.durability})`;
  const bad = said.quarantined_count ? `, ${said.quarantined_count} to quarantine` : "";
  const told = [make("p", took + bad, said.quarantined_count ? "bad" : "")];
  told.push(...said.quarantined.map((line) => make("p", `line ${line.line}: ${line.reason}`, "hint")));
  if (said.receipt) told.push(make("p", `receipt ${said.receipt}`, "quiet"));
  return by("receipt").replaceChildren(...told);
}

const isNumber = (type) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT)$/.test(type);

// A long value is cut by its column's width: whole in its title, and where it has the focus.
function cell(text, type) {
  const made = make("td", text ?? "NULL", text === null ? "null" : isNumber(type) ? "number" : "");
  return text?.length > SHORT ? Object.assign(made, { title: text, tabIndex: 0 }) : made;
}

function table({ columns, rows }) {
  const head = document.createElement("tr");
  head.append(...columns.map(({ name, type }) => Object.assign(make("th", name, isNumber(type) ? "number" : ""), { scope: "col", title: type })));
  const body = rows.map((row) => {
    const line = document.createElement("tr");
    line.append(...row.map((text, at) => cell(text, columns[at].type)));
    return line;
  });
  const [made, thead, tbody] = ["table", "thead", "tbody"].map((tag) => document.createElement(tag));
  thead.append(head);
  tbody.append(...body);
  made.append(thead, tbody);
  return made;
}

async function query() {
  by("said").replaceChildren(make("p", "running …", "quiet"));
  const { status, said } = await ask("/live/query", { sql: by("sql").value });
  const failed = status !== 200 || said.error;
  drawChart(by("chart"), failed ? null : said.chart);
  const none = failed || !said.rows.length;
  by("rows").hidden = none;
  by("rows").replaceChildren(...(none ? [] : [table(said)]));
  if (status !== 200) by("said").replaceChildren(...refused(said));
  else if (failed) by("said").replaceChildren(make("pre", said.error));
  else by("said").replaceChildren(make("p", `${said.cut ? "the first " : ""}${said.rows.length} row${said.rows.length === 1 ? "" : "s"} in ${said.took_ms} ms`, "quiet"));
}

function onSubmit(id, work) {
  const form = by(id);
  if (!form) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(form, work);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

onSubmit("send", send);
onSubmit("query", query);

// As a shell's word, the way the server writes it at first.
const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
by("record")?.addEventListener("input", () => (by("curl-body").textContent = quoted(by("record").value)));

by("copy")?.addEventListener("click", async () => {
  await navigator.clipboard.writeText(by("curl").textContent);
  by("copy").textContent = "Copied";
  setTimeout(() => (by("copy").textContent = "Copy"), 2000);
});

// Also those of parts that are put in later.
document.addEventListener("click", ({ target }) => {
  if (target.dataset.sql === undefined) return;
  by("sql").value = target.dataset.sql;
  by("query").requestSubmit();
  by("query").scrollIntoView({ block: "nearest" });
});
