"""The smallest function with an extension: what the harness is tried with, so that it is known to tell the truth about larger ones."""

from pathlib import Path

HANDLER = """
import os, time

def handler(event, context):
    do = event.get("do") or event.get("queryStringParameters", {}).get("do", "")
    if do == "fail":
        raise ValueError("asked to fail")
    if do.startswith("sleep="):
        time.sleep(float(do[6:]))
    while do == "wait" and not os.path.exists("/tmp/go"):
        time.sleep(0.01)
    if do == "eat":
        eaten = [b"x" * (1024 * 1024 + number) for number in range(4096)]
    if do == "burn":
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
    if do == "write":
        try:
            open("/tmp/large", "wb").write(bytes(20_000_000))
        except OSError as error:
            return error.strerror
    if do == "mark":
        open("/tmp/mark", "w").write("here")
    seen = {"tmp": sorted(os.listdir("/tmp")), "variable": os.environ["TRIVIAL"]}
    return {**seen, "invocation": context.aws_request_id, "body": event.get("body")}
"""

EXTENSION = """#!/var/lang/bin/python3
import http.client, json, os, threading, time

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, what, headers, body=None):
    api.request(method, "/2020-01-01/extension/" + what, body, headers)
    answer = api.getresponse()
    return answer.headers, json.loads(answer.read())

def count():
    while True:
        with open("/tmp/count", "a") as file:
            file.write(".")
        time.sleep(0.01)

headers, _ = call("POST", "register", {"Lambda-Extension-Name": "trivial"}, json.dumps({"events": ["INVOKE", "SHUTDOWN"]}))
own = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
threading.Thread(target=count, daemon=True).start()
while True:
    _, event = call("GET", "event/next", own)
    with open("/tmp/events", "a") as file:
        file.write(json.dumps({**event, "heard_ms": time.time() * 1000}) + "\\n")
    wait = os.environ.get("WAIT_AT_" + event["eventType"])
    while wait == "for go" and not os.path.exists("/tmp/go"):
        time.sleep(0.01)
    if wait and wait != "for go":
        time.sleep(float(wait))
    if event["eventType"] == "SHUTDOWN":
        open("/tmp/done", "w").close()
        break
"""


def trivial(folder: Path) -> tuple[Path, Path]:
    """Its code and its layer."""
    code, layer = folder / "code", folder / "layer"
    code.mkdir()
    (layer / "extensions").mkdir(parents=True)
    (code / "app.py").write_text(HANDLER)
    (layer / "extensions" / "trivial").write_text(EXTENSION)
    (layer / "extensions" / "trivial").chmod(0o755)
    return code, layer
