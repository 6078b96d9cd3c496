"""The start page: which taps there are, how to send to one, how to query it. Everything in it is escaped."""

from collections.abc import Sequence
from html import escape

from mesh.local.running import Running
from tap_runtime.accept import Acceptor

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d8dee6;vertical-align:top}
pre{background:#f3f5f8;padding:.8rem;overflow:auto;border-radius:6px}.bad{border-left:4px solid #b3261e;padding-left:.8rem}
@media (prefers-color-scheme:dark){body{color:#e4e8ee;background:#14181f}pre{background:#1f2630}td,th{border-color:#364050}}
"""


def start_page(running: Running, host: str) -> str:
    """The page's HTML, for a server that was asked for as `host`."""
    mesh, problems = running.mesh.name, running.problems
    rows = "".join(_row(acceptor) for acceptor in running.acceptors.values())
    first = next(iter(running.acceptors), "clicks")
    bad = (
        f'<div class="bad"><h2>taps.yaml was saved with problems; the mesh runs on as before</h2>{_listing(problems)}</div>'
        if problems
        else ""
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(mesh)} · tapmesh</title><style>{_STYLE}</style></head><body>
<h1>{escape(mesh)}</h1>{bad}
<table><tr><th>Tap</th><th>Owner</th><th>Acknowledges</th><th>Lands after</th></tr>{rows}</table>
<h2>Send</h2><pre>export TAP_TOKEN=$(tapmesh token --as NAME --tap {escape(first)})
curl -H "x-bd-authorization: $TAP_TOKEN" --data-binary @data.ndjson http://{escape(host)}/taps/{escape(first)}</pre>
<h2>Query</h2><pre>tapmesh query "select * from {escape(first)} limit 10"</pre>
</body></html>"""


def _row(acceptor: Acceptor) -> str:
    settings = acceptor.settings
    lands = f"{settings.threshold_bytes / 1e6:g} MB or {settings.age_s} s"
    durability = "once in the lake" if settings.ack == "stored" else "once on disk"
    return f"<tr><td><code>{escape(settings.tap)}</code></td><td>{escape(settings.owner)}</td><td>{durability}</td><td>{lands}</td></tr>"


def _listing(lines: Sequence[str]) -> str:
    return f"<pre>{escape(chr(10).join(lines))}</pre>"
