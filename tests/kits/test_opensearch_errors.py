"""What keeps `tapmesh kit opensearch` from starting: one clear line and a next step each, from a real node."""

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.kits.example import running as mesh_running
from tests.kits.faults import FaultyCluster
from tests.kits.opensearch import TAPS, Kit, OpenSearch
from tests.local.conftest import RunningMesh

RIGHT = {"OPENSEARCH_USER": "reader", "OPENSEARCH_PASSWORD": "sécret"}
WRONG = [
    # words, environment, what it says, what it advises
    ("--from logs", {}, "--from is not an index's URL", "like https://search.acme.example:9200/logs"),
    ("--from http://host:port/logs", {}, "--from is not an index's URL", "like https://"),
    ("--from NODE", {}, "--from names no index", "/_cat/indices lists them"),
    ("--from http://reader:sécret@127.0.0.1:9/logs", {}, "--from holds a login", "OPENSEARCH_USER and OPENSEARCH_PASSWORD"),
    ("--from http://127.0.0.1:9/logs", {}, "http://127.0.0.1:9 cannot be reached: Connection refused", "does it run?"),
    ("--from http://nowhere.invalid/logs", {}, "its host's name is not known", "is that the right host"),
    ("--from https://127.0.0.1:PORT/logs", {}, "TLS failed", "http or https"),
    ("--from MESH/logs", {}, "it answered 404, not as OpenSearch or Elasticsearch do", "--from names the cluster and an index"),
    ("--from NODE/nothing", {}, "no such index [nothing]", "/_cat/indices lists them"),
    ("--from NODE/nothing-*", {}, "no index is called nothing-*", "/_cat/indices lists them"),
    ("--from NODE/closed", {}, "closed", "POST /<index>/_open"),
    ("--from NODE/bare", {}, "bare keeps no _source", "export the index it was made from"),
    ("--from LOCKED/one", {}, "401: no such user, or a wrong password or key", "OPENSEARCH_API_KEY"),
    ("--from LOCKED/one", {**RIGHT, "OPENSEARCH_PASSWORD": "wrong"}, "401: no such user, or a wrong password or key", "OPENSEARCH_USER"),
    ("--from LOCKED/one", {"OPENSEARCH_API_KEY": "sécret"}, "401: no such user, or a wrong password or key", "OPENSEARCH_API_KEY"),
    ("--from FORBIDDEN/one", {}, "403: this user may not do that (security_exception", "grant it read and indices_monitor"),
    ("--from NODE/one --url http://127.0.0.1:9/taps/documents", {}, "http://127.0.0.1:9/taps/documents cannot be reached", "tapmesh dev"),
    ("--from NODE/one --url MESH/taps/buffered", {}, "/taps/buffered is buffered", "--accept-loss"),
]


@pytest.fixture(scope="module")
def filled(node: OpenSearch) -> OpenSearch:
    node.create("one")
    node.fill("one", [("1", b'{"n":1}')])
    node.create("closed")
    node.ask("POST", "/closed/_close")
    node.ask("PUT", "/bare", {"mappings": {"_source": {"enabled": False}}})
    node.fill("bare", [("1", b'{"n":1}')])
    return node


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    with mesh_running(tmp_path_factory.mktemp("mesh"), TAPS) as started:
        yield started


@pytest.fixture(scope="module")
def locked(filled: OpenSearch) -> Iterator[FaultyCluster]:
    """In front of the node, for one reader."""
    proxy = FaultyCluster(filled.url)
    proxy.login = "Basic " + base64.b64encode("reader:sécret".encode()).decode()
    yield proxy
    proxy.down()


@pytest.fixture(scope="module")
def forbidden(filled: OpenSearch) -> Iterator[FaultyCluster]:
    proxy = FaultyCluster(filled.url)
    proxy.on("403", times=None)
    yield proxy
    proxy.down()


@pytest.mark.parametrize(("words", "given", "what", "hint"), WRONG, ids=[f"{words} {' '.join(given)}" for words, given, *_ in WRONG])
def test_what_keeps_it_from_starting_is_one_line_and_a_next_step(
    mesh: RunningMesh,
    filled: OpenSearch,
    locked: FaultyCluster,
    forbidden: FaultyCluster,
    words: str,
    given: dict[str, str],
    what: str,
    hint: str,
) -> None:
    places = {"NODE": filled.url, "LOCKED": locked.address, "FORBIDDEN": forbidden.address, "PORT": str(filled.port)}
    for name, value in {**places, "MESH": f"http://127.0.0.1:{mesh.port}"}.items():
        words = words.replace(name, value)
    command = [*Kit(mesh, "").command, *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **given})
    assert done.returncode in (1, 2), done.stderr
    errors = [each for each in done.stderr.splitlines() if "documents, 0.0 MB in" not in each]
    assert len(errors) == 2, done.stderr
    assert (errors[0].startswith("error: "), what in errors[0]) == (True, True), done.stderr
    assert (errors[1].startswith("hint: "), hint in errors[1]) == (True, True), done.stderr
    assert "sécret" not in done.stderr


@pytest.mark.parametrize("given", [RIGHT, {"OPENSEARCH_API_KEY": "a2V5OnNlY3JldA=="}], ids=["password", "key"])
def test_who_may_read_gets_in_and_the_login_is_not_shown(mesh: RunningMesh, locked: FaultyCluster, given: dict[str, str]) -> None:
    before = locked.login
    locked.login = before if "OPENSEARCH_USER" in given else "ApiKey a2V5OnNlY3JldA=="
    command = [*Kit(mesh, f"{locked.address}/one", "--anew").command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **given})
    locked.login = before
    assert (done.returncode, "1 records delivered" in done.stderr) == (0, True), done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in given.values())


def test_a_place_that_is_none_is_said_and_anew_begins_again(mesh: RunningMesh, filled: OpenSearch, tmp_path: Path) -> None:
    kit = Kit(mesh, f"{filled.url}/one", "--state", str(tmp_path))
    kit.start()
    kit.end()
    *_, file = sorted(tmp_path.glob("*/one/*-of-*"))
    file.write_bytes(file.read_bytes()[:30])
    done = subprocess.run(kit.command, capture_output=True, text=True, timeout=60)
    error, hint = done.stderr.splitlines()
    assert (done.returncode, error.startswith(f"error: {file} is no place of a kit")) == (1, True), error
    assert hint.startswith("hint: --anew exports again from the start")
    kit.command += ["--anew"]
    kit.start()
    kit.end()


def test_infer_prints_a_schema_that_takes_the_documents(mesh: RunningMesh, node: OpenSearch) -> None:
    types = {
        "service": "keyword",
        "tags": "keyword",
        "mixed": "keyword",
        "took": "integer",
        "size": "long",
        "rate": "scaled_float",
        "ok": "boolean",
        "on": "date",
        "@timestamp": "date",
        "sometimes": "date",
        "geo": "geo_point",
        "Service": "keyword",
    }
    mapped = {name: {"type": type_, **({"scaling_factor": 100} if type_ == "scaled_float" else {})} for name, type_ in types.items()}
    node.create("typed", **mapped, user={"properties": {"name": {"type": "text"}}}, other={"type": "alias", "path": "took"})
    document = b"""{"service":"cart","tags":["a","b"],"mixed":"a","took":3,"size":"12","rate":0.25,"ok":true,"on":1795427096000,
      "@timestamp":"2026-11-23T10:00:00+02:00","sometimes":"2026-11-23","geo":{"lat":1,"lon":2},"user":{"name":"lead"}}"""
    node.fill("typed", [("1", document.replace(b"\n", b"")), ("2", b'{"mixed":["a"],"sometimes":1795427096000}')])
    done = subprocess.run(Kit(mesh, f"{node.url}/typed", "--infer").command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    schema = yaml.safe_load(done.stdout)["schema"]
    assert schema == {
        "@timestamp": "TIMESTAMP",
        "geo": "JSON",
        "mixed": "JSON",
        "ok": "BOOLEAN",
        "on": {"type": "TIMESTAMP", "epoch": "ms"},
        "rate": "DOUBLE",
        "Service": "VARCHAR",
        "size": "JSON",
        "sometimes": {"type": "TIMESTAMP", "epoch": "ms"},
        "tags": "VARCHAR[]",
        "took": "INTEGER",
        "user": "JSON",
    }


def test_a_certificate_of_an_own_authority_is_trusted_when_it_is_named(mesh: RunningMesh, tmp_path: Path) -> None:
    named = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=search", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *named], cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)  # whatever it answers, it is behind TLS
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = Kit(mesh, f"https://127.0.0.1:{server.server_port}/logs").command
    said = [
        subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **given}).stderr
        for given in ({}, {"SSL_CERT_FILE": str(tmp_path / "cert.pem")})
    ]
    server.shutdown()
    server.server_close()
    assert ("TLS failed (self-signed certificate)" in said[0], "SSL_CERT_FILE" in said[0]) == (True, True), said[0]
    assert "it answered 404, not as OpenSearch" in said[1], said[1]
