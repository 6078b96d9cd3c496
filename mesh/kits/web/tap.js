/* tapmesh's web kit: what happens on a page, as events in a tap. docs/kits/web.md says how to put it on a site.
 *
 *   <script defer src="/tap.min.js" data-tap="https://…/taps/clicks" data-token="/tap-token"></script>
 *
 * The life of an event. It is appended to the open batch, and the batch written to localStorage, in the task that recorded it:
 * from then on it is durable. A batch has a random key, its Idempotency-Key for ever, and takes events for `every` ms; then it is
 * sealed and its bytes never change again. It is forgotten only when a 200 came for it, or an answer that says it is known already
 * or will never be taken. Whatever happens in between, somebody sends the same bytes under the same key again: this page, or any
 * later page or other tab of the site. Those touch a batch only once it is three times `every` old, when its page can no longer
 * append to it; the time of opening stands in the key. So no page needs to know which others are alive.
 */
(() => {
  const script = document.currentScript;
  const BATCH = 16e3; // characters: at most 48 KB in UTF-8, and 64 KB may be in flight when a page goes
  const KEPT = 1e6; // characters of unsent events; past them the oldest batches go, counted in an event `dropped`
  const DAYS = 6 * 864e5; // taps remember keys for 7 days: an older batch might count twice
  const sealed = new Map(); // key -> lines: this page's batches without an answer yet
  const flying = new Set(); // keys of requests without an answer yet
  let options, prefix, every, session, page, open, timer, jwt, renewed, sending, stopped, buffered;
  let number = 0;
  let failures = 0;
  let dropped = 0;

  /** What the work gives, true where it gives nothing; undefined when it throws, as full or forbidden storage does. */
  const attempt = (work) => {
    try {
      return work() ?? true;
    } catch {}
  };
  const random = () => [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("");
  const age = (key) => Math.abs(Date.now() - parseInt(key, 36));
  const wanted = (type) => !options.events || options.events.split(/[ ,]+/).includes(type);

  const stored = () =>
    (attempt(() => Object.keys(localStorage)) || []).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const unsent = () => [...new Set([...stored(), ...sealed.keys()])].sort();
  const linesOf = (key) => sealed.get(key) || attempt(() => localStorage[prefix + key] || "") || "";
  const unstore = (key) => attempt(() => localStorage.removeItem(prefix + key));
  const forget = (key) => sealed.delete(key) | unstore(key);
  const giveUp = (key) => {
    dropped += linesOf(key).split("\n").length - 1;
    forget(key);
  };
  const seal = () => {
    if (open) sealed.set(open.key, open.lines);
    open = 0;
  };
  const later = (ms) => (timer ||= setTimeout(send, ms));

  const begin = () => {
    seal();
    let room = KEPT;
    for (const key of unsent().reverse()) if ((room -= linesOf(key).length) < 0 || age(key) > DAYS) giveUp(key);
    open = { key: Date.now().toString(36) + "-" + random(), lines: "" };
    later(every);
  };

  const append = (line) => {
    if (!open || age(open.key) > every || open.lines.length + line.length > BATCH) begin();
    const lines = open.lines + line;
    const kept = attempt(() => localStorage.setItem(prefix + open.key, lines));
    if (!kept && open.kept) {
      begin(); // the batch stays as it is stored: another page may only ever send what this one sends
      append(line);
    } else {
      open.lines = lines;
      open.kept = kept;
    }
  };

  const record = (eventType, more) => {
    if (!options || stopped) return;
    const url = location.origin + location.pathname + (options.query == null ? "" : location.search);
    const event = { eventType, ts: new Date(), url: url.slice(0, 2e3), session, page, n: ++number, ...more };
    const line = JSON.stringify(event) + "\n";
    if (line.length > BATCH) dropped++;
    else {
      append(line);
      dispatchEvent(new CustomEvent("tapmesh", { detail: event }));
    }
    if (dropped) {
      const events = dropped;
      dropped = 0;
      record("dropped", { events });
    }
  };

  /** The token, a new one a minute before the old one's `exp`; "" on a public tap. Throws the endpoint's status. */
  const token = async () => {
    if (options.token == null) return "";
    jwt ??= attempt(() => sessionStorage[prefix]);
    const claims = attempt(() => JSON.parse(atob(jwt.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))));
    if (!(claims?.exp * 1e3 > Date.now() + 6e4)) {
      const answer = await fetch(options.token, { cache: "no-store" });
      if (!answer.ok) throw answer.status;
      jwt = (await answer.text()).trim();
      attempt(() => (sessionStorage[prefix] = jwt));
    }
    return jwt;
  };

  const address = (key) => options.tap + "?idempotency-key=" + key;

  /** Sends one batch; true when the next may follow. */
  const post = async (key) => {
    const body = linesOf(key);
    if (!body) return true; // another tab has delivered it
    let status, said, used;
    flying.add(key);
    try {
      used = await token();
      const headers = used ? { "x-bd-authorization": used } : {};
      const signal = AbortSignal.timeout?.(3e4);
      const answer = await fetch(address(key), { method: "POST", body, headers, keepalive: true, signal });
      status = answer.status;
      said = await answer.json();
    } catch (error) {
      status ||= error;
    }
    flying.delete(key);
    if (said?.statusCode == 200) {
      buffered = said.durability == "buffered";
      failures = renewed = 0;
      return forget(key), true;
    }
    if (used && (status == 401 || said?.error == "token_expired")) {
      if (used == jwt) {
        stopped ||= renewed;
        renewed = true;
        jwt = "";
      }
      return !stopped && post(key);
    }
    if (used != null && status == 409) return forget(key), true; // the tap has it: a killed browser had kept an older state of it
    if (used != null && (status == 400 || status == 413 || status == 415)) return giveUp(key), true;
    if (status >= 400 && status < 500 && status != 408 && status != 429) stopped = true;
    failures++;
  };

  /** Under a lock where the browser has them: of several tabs one sends a batch. */
  const locked = (key) =>
    navigator.locks?.request(prefix + key, { ifAvailable: true }, (lock) => !lock || post(key)).catch(() => post(key)) ?? post(key);

  const send = async () => {
    clearTimeout(timer);
    timer = 0;
    if (sending || stopped) return;
    sending = true;
    seal();
    const keys = unsent();
    if (failures % 2) keys.reverse(); // so that no one batch can hold up all others
    let going = true;
    for (const key of keys) if (going && !flying.has(key) && (sealed.has(key) || age(key) > 3 * every)) going = await locked(key);
    sending = false;
    if (!going) later(Math.min(6e4, 500 * 2 ** failures) * (0.5 + Math.random()));
    else if (open || unsent()[0]) later(every);
  };

  /** The page may be gone after this: everything is handed to the browser now; what gets no answer stays in localStorage. */
  const leave = (going) => {
    seal();
    for (const [key, lines] of sealed) {
      if (stopped || flying.has(key)) continue;
      if (!going || options.token != null) post(key);
      else if (navigator.sendBeacon(address(key), lines)) flying.add(key);
      // a buffered tap cannot tell a repetition: to send what most likely arrived again would double it
      if (going && buffered && navigator.onLine) unstore(key);
    }
  };

  const place = (x, y) => ({ x: Math.round(x), y: Math.round(y) });
  const point = (event) => place(event.pageX, event.pageY);
  const scrolled = () => place(scrollX, scrollY);
  const fault = (message, source) => ({ message: String(message).slice(0, 500), source });
  const load = (more) =>
    wanted("pageload") && record("pageload", { referrer: document.referrer.slice(0, 2e3), w: innerWidth, h: innerHeight, ...more });

  const start = () => {
    const on = (name, work, type = name, once = false) => wanted(type) && addEventListener(name, work, { capture: true, passive: true, once });
    /** Listens anew only some time after each event: what is not listened to costs nothing. */
    const sampled = (name, more) => {
      const listen = () =>
        on(
          name,
          (event) => {
            setTimeout(listen, options.sample || 200);
            record(name, more(event));
          },
          name,
          true,
        );
      listen();
    };
    load();
    on("click", (event) => record("click", point(event)));
    on("keydown", (event) => {
      const field = event.composedPath()[0];
      if (!event.repeat && !/password/.test(field.type + field.autocomplete)) record("keydown");
    });
    sampled("mousemove", point);
    sampled("scroll", scrolled);
    on("error", (event) => event.message && record("error", fault(event.message, event.filename.slice(0, 500) + ":" + event.lineno)));
    on("unhandledrejection", (event) => record("error", fault(event.reason)), "error");
    addEventListener("pagehide", () => {
      if (wanted("pageleave")) record("pageleave", scrolled());
      leave(true);
    });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      flying.clear(); // back from the browser's cache: whether those arrived will never be known
      load({ restored: true });
      later(every);
    });
    document.addEventListener("visibilitychange", () => document.hidden && leave());
    addEventListener("online", () => {
      failures = 0;
      send();
    });
    later(every);
  };

  const init = (given) => {
    if (options || (given.gpc != null && navigator.globalPrivacyControl)) return;
    options = given;
    every = +options.every || 5e3;
    prefix = "tap " + options.tap + " ";
    page = random();
    session = attempt(() => (sessionStorage.tap ||= random())) || random();
    if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
    else start();
  };

  const stop = () => {
    stopped = true;
    if (options) unsent().map(forget);
  };

  window.tap = { init, record, stop };
  if (script?.dataset.tap) init({ ...script.dataset });
})();
