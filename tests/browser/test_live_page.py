"""The live page as a person has it: in a real Chromium, with script and without, by keyboard, on a phone, and from another site."""

import http.server
import json
import threading
from pathlib import Path

import pytest

from tests.browser.reader import TAPS, Reader
from tests.local.conftest import RunningMesh

CONTRAST = Path(__file__).parent / "contrast.js"
HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
# What a script of another site can try. Without CORS it may send, yet reads nothing; the page's own boxes must not even take it.
ATTACK = """
<!doctype html><title>another site</title><form method=post enctype=text/plain action="{url}/live/send">
<input name='{{"tap":"orders","body":"{{}}","x":"' value='"}}'></form><script type=module>
const said = [];
const tried = async (what) => {{ try {{ said.push(await what()); }} catch (error) {{ said.push(error.name); }} }};
const body = JSON.stringify({{tap: "orders", body: '{{"id":"evil"}}', sql: "select 1"}});
for (const mode of ["cors", "no-cors"]) for (const path of ["/", "/live/stream", "/live/send", "/live/query"]) {{
  const options = path.includes("live/s") || path.includes("query") ? {{method: "POST", body, mode}} : {{mode}};
  if (mode === "cors") options.headers = {{"content-type": "application/json"}};
  await tried(async () => (await (await fetch("{url}" + path, options)).text()).length);
}}
await tried(() => new Promise((resolve) => {{
  const stream = new EventSource("{url}/live/stream");
  stream.onmessage = () => resolve("heard");
  stream.onerror = () => resolve("refused");
}}));
await tried(() => new Promise((resolve) => {{
  const frame = document.createElement("iframe");
  frame.src = "{url}/";
  frame.onload = () => {{ try {{ resolve(frame.contentDocument.title); }} catch {{ resolve("closed"); }} }};
  document.body.append(frame);
}}));
window.said = said;
</script>
"""


def test_numbers_landings_and_quarantine_arrive_without_a_reload(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open("orders")
    page.fill("#record", '{"id":1}\nnot json\n' + HOSTILE)
    page.click("#send button")
    page.wait_for_selector("#receipt >> text=1 accepted (buffered), 2 to quarantine")
    page.wait_for_selector("[data-part=landings] tbody tr")
    page.wait_for_selector("[data-part=quarantine] >> text=onerror")
    page.wait_for_selector("[data-spark=orders] path", state="attached")
    page.wait_for_function("document.querySelector('[data-value=\"mesh.rows\"]').textContent === '1'")
    assert page.inner_text("[data-part=quarantine] pre >> nth=-1") == HOSTILE
    assert page.query_selector("[data-part=quarantine] img, [data-part=quarantine] script") is None
    assert page.title() == "shop · tapmesh"


def test_the_copied_curl_command_is_the_one_of_the_box(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open(permissions=["clipboard-read", "clipboard-write"])
    page.fill("#record", '{"kind":"it\'s"}')
    page.click("#copy")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text !== '')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'--data-raw \'{{"kind":"it\'"\'"\'s"}}\' \\\n  http://127.0.0.1:{mesh.port}/taps/clicks' in copied


def test_a_broken_save_shows_and_a_reload_renews_the_page_under_the_readers_hands(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open()
    page.fill("#sql", "select 42")
    mesh.file.write_text(TAPS.replace("growth, schema", "growht, schema"))
    page.wait_for_selector(".problems >> text=did you mean growth?")
    page.focus("a[href='/?tap=orders#tap']")
    mesh.file.write_text(TAPS.replace("x: INTEGER", "y: DOUBLE").replace("  orders", "  more: {team: growth}\n  orders"))
    page.wait_for_selector("[data-part=taps] >> text=more")
    page.wait_for_selector("[data-part=declared] >> text=DOUBLE")
    assert page.query_selector(".problems") is None
    assert json.loads(page.input_value("#record")) == {"kind": "example", "y": 1.5}
    assert page.input_value("#sql") == "select 42"
    assert page.evaluate("document.activeElement.textContent") == "orders"
    assert page.inner_text("[data-value='orders.requests']") == "0"


def test_it_is_a_whole_page_without_script(reader: Reader, mesh: RunningMesh) -> None:
    mesh.post("orders", b"not json\n{}")
    page = reader.context(java_script_enabled=False).new_page()
    mesh.wait_for(lambda: page.goto(f"http://127.0.0.1:{mesh.port}/?tap=orders") and page.query_selector(".reasons"), "the landing")
    said = page.inner_text("main")
    for part in ("Orders of the shop", "not one JSON object", "public", "select * from events", "Parquet"):
        assert part in said
    page.click("text=clicks")
    assert page.inner_text("h2") == "clicks"


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate("(({id, tagName, textContent}) => id || `${tagName} ${textContent.trim()}`)(document.activeElement)")
        if at.startswith("BODY"):
            break
        reached.append(at.splitlines()[0])
        if not at.startswith("A Skip"):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", at
    order = ["A Skip to clicks", "A clicks", "A orders", "record", "BUTTON Send", "copy", "sql", "BUTTON Run"]
    assert [at for at in reached if at in order] == order
    named = (
        "[...document.querySelectorAll('textarea, button, progress')].filter((e) => !(e.labels?.length || e.textContent || e.ariaLabel))"
    )
    assert page.evaluate(f"{named}.map((e) => e.outerHTML)") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_is_readable(reader: Reader, mesh: RunningMesh, scheme: str) -> None:
    mesh.post("orders", ("x" * 3000 + "\n" + json.dumps({"long": "y" * 3000})).encode())
    page = reader.open("orders", viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page.fill("#sql", "select repeat('wide', 500) as a, * from orders")
    page.wait_for_selector(".reasons")
    page.click("#query button:text('Run')")
    page.wait_for_selector("#rows td")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.eval_on_selector_all("[data-part=landings] td.number", "(all) => all.forEach((one) => { one.textContent = '11,142 ms'; })")
    sticks_out = "([one]) => one.getBoundingClientRect().right - one.parentElement.getBoundingClientRect().right"
    assert page.eval_on_selector_all("[data-part=landings] table", sticks_out) <= 0
    for sample in page.query_selector_all(".reasons pre"):
        cut = sample.evaluate("(one) => one.clientHeight")
        sample.focus()
        assert cut < 70 < sample.evaluate("(one) => one.clientHeight"), "two lines, and the whole of it with the focus"
    worst = page.evaluate(CONTRAST.read_text())
    assert worst[0] >= 4.5, worst


def test_another_sites_script_can_neither_read_nor_query_nor_send(reader: Reader, mesh: RunningMesh) -> None:
    ours = f"http://127.0.0.1:{mesh.port}"
    assert mesh.http.request("GET", ours + "/").status == 200
    with site(ATTACK.format(url=ours)) as address:
        page = reader.context().new_page()
        page.goto(address)
        page.wait_for_function("window.said")
        said = page.evaluate("window.said")
        # 8 requests: refused to the script with CORS, opaque (0 characters) without; no event; the frame is not ours to read
        assert said == ["TypeError"] * 4 + [0] * 4 + ["refused", "closed"]
        with page.expect_navigation():
            page.evaluate("document.forms[0].submit()")
        assert json.loads(page.inner_text("pre"))["error"] == "other_site"
    mesh.stop()
    assert mesh.query("select * from orders") == []


class site:
    """Another origin on this machine that serves one page."""

    def __init__(self, html: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
