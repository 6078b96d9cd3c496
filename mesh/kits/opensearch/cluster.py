"""Requests to a cluster: its address, the login, and patience once it was there."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import urllib3

from mesh.faults import cause
from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.words import LIKE, LOGIN, Expired, refused

_TIMEOUT_S, _LONGEST_WAIT_S = 60, 20.0
_BUSY = (429, 502, 503, 504)
_CONNECTIONS = 64
_WHERE = f"is that the right host and port, http or https, and does it run? --from names them, {LIKE}"
_OWN_AUTHORITY = "a certificate of an authority of your own is trusted by SSL_CERT_FILE, which names that authority's"
Answer = TypeVar("Answer")


class Stopped(KitFailed):
    """The end was asked for."""

    def __init__(self) -> None:
        super().__init__("the end was asked for", "the next start goes on from here")


@dataclass(frozen=True)
class Login:
    """What proves who asks; all empty: nobody in particular."""

    user: str = ""
    password: str = ""
    api_key: str = ""

    def headers(self) -> dict[str, str]:
        """For each request."""
        if self.api_key:
            return {"authorization": f"ApiKey {self.api_key.strip()}".encode().decode("latin-1")}
        return urllib3.make_headers(basic_auth=f"{self.user}:{self.password}".encode().decode("latin-1")) if self.user else {}


def address(url: str) -> tuple[str, str]:
    """The cluster's URL and the index's name; raises KitFailed."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise KitFailed("--from is not an index's URL", LIKE)
    if parts.username is not None or parts.password is not None:
        raise KitFailed("--from holds a login, which others on this machine could read", f"put it into {LOGIN}")
    path, _, index = parts.path.rstrip("/").rpartition("/")
    if not index:
        raise KitFailed("--from names no index", f"{LIKE}; GET /_cat/indices lists them")
    return f"{parts.scheme}://{parts.netloc}{path}", index


class Cluster:
    """Threads share it. A cluster that answered once is waited for."""

    def __init__(self, url: str, login: Login, tell: Callable[[str], None], stopped: Callable[[float], bool]) -> None:
        self.url, self._tell, self._stopped = url, tell, stopped
        self._headers = {"content-type": "application/json", "accept-encoding": "identity", **login.headers()}
        self._http = urllib3.PoolManager(maxsize=_CONNECTIONS, retries=False, timeout=_TIMEOUT_S)
        self._met = False

    def ask(self, method: str, path: str, body: dict[str, Any] | None, answer: type[Answer], once: bool = False) -> Answer:
        """What it answers; with `once` a lost answer raises Expired, as the same question has another answer then. Raises KitFailed."""
        attempt = 0
        while True:
            attempt += 1
            if self._stopped(0):
                raise Stopped
            status, content = self._once(method, path, body)
            if status == 200:
                self._met = True
                return self._read(content, answer)
            if status not in (0, *_BUSY):
                raise refused(status, content)
            why = f"the cluster answered {status}" if status else content.decode()
            if not self._met:
                raise KitFailed(why, _OWN_AUTHORITY if "certificate" in why else _WHERE)
            wait_s = random.uniform(0.5, 1) * min(_LONGEST_WAIT_S, 0.2 * 2 ** min(attempt, 10))
            self._tell(f"{why}; trying again in {wait_s:.1f} s")
            if self._stopped(wait_s):
                raise Stopped
            if once:
                raise Expired

    def forget(self, path: str, body: dict[str, Any]) -> None:
        """Lets it close what it would close by itself later."""
        self._once("DELETE", path, body)

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        """Status and content; status 0: none came, and why."""
        sent = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._http.request(method, self.url + path, body=sent, headers=self._headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return 0, f"{self.url} cannot be reached: {cause(error, _TIMEOUT_S)}".encode()
        return answer.status, answer.data

    def _read(self, content: bytes, answer: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(content, type=answer)
        except msgspec.MsgspecError:
            raise KitFailed(f"{self.url} answered, but not as OpenSearch or Elasticsearch do", f"--from names it, {LIKE}") from None
