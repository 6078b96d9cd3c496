// Keeps the page fresh: the server writes it whole, then sends what changes (feed.py). The page is complete without this.
import { drawSpark } from "./draw.js";
import "./boxes.js";

const SECONDS = 59;
const known = {}; // the last value of every name
const history = {}; // records of the last seconds, by tap
const link = document.getElementById("link");
let stream = null;

const all = (selector, within = document) => within.querySelectorAll(selector);

function put(element, value) {
  if (element.tagName === "PROGRESS") element.value = value;
  else if (element.tagName !== "TEXTAREA") element.textContent = value;
  else if (element.value === element.dataset.first) { // nobody has typed in it
    element.value = element.dataset.first = value;
    element.dispatchEvent(new Event("input"));
  }
}

function putPart(name, [digest, html]) {
  for (const element of all(`[data-part="${name}"]`)) {
    if (element.dataset.digest === digest) continue;
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.innerHTML = html; // the server's own, escaped there
    element.dataset.digest = digest;
    for (const inner of all("[data-value]", element)) if (inner.dataset.value in known) put(inner, known[inner.dataset.value]);
    if (focused !== null) element.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

function hear(frame) {
  Object.assign(known, frame.values);
  for (const [name, part] of Object.entries(frame.parts ?? {})) putPart(name, part);
  for (const element of all("[data-value]")) {
    const name = element.dataset.value;
    if (frame.values && name in frame.values) put(element, frame.values[name]);
  }
  for (const spark of all("[data-spark]")) {
    const tap = spark.dataset.spark;
    const added = frame.records[tap] ?? Array(frame.seconds).fill(0);
    history[tap] = [...(history[tap] ?? []), ...added].slice(-SECONDS);
    drawSpark(spark, history[tap]);
  }
}

function say(state, text) {
  link.dataset.state = state;
  link.textContent = text;
}

function listen() {
  stream = new EventSource(document.body.dataset.stream);
  stream.onopen = () => say("live", "live");
  stream.onmessage = (message) => hear(JSON.parse(message.data));
  stream.onerror = () => {
    say("lost", "not connected; trying again");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3000); // refused: the browser itself would not try again
  };
}

const list = document.querySelector(".taps");
const chosen = list?.querySelector(".chosen");
if (chosen) list.scrollTop = chosen.offsetTop - list.clientHeight / 2;

// A page nobody sees costs the server nothing.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stream?.close();
  else listen();
});
listen();
