"""All environments of one function, and who gets the next request: an idle one, else a new one, as on Lambda."""

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.emulated import url
from tests.emulated.deployed import Deployed
from tests.emulated.environment import Environment
from tests.emulated.outcome import Outcome
from tests.emulated.url import Answer


class Fleet:
    """A deployed function. As a context it leaves nothing behind: whatever still runs at its end vanishes.

    Which of several idle environments gets a request is Lambda's secret: here the first, or what `dice` say.
    """

    def __init__(self, deployed: Deployed, folder: Path, concurrency: int = 1000, dice: random.Random | None = None) -> None:
        self.environments: list[Environment] = []
        self._deployed, self._folder, self._concurrency = deployed, folder, concurrency
        self._lock, self._dice = threading.Lock(), dice
        self._starting = 0

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        for environment in self.environments:
            environment.vanish()

    def deploy(self, deployed: Deployed) -> None:
        """From now on requests go to new environments; the old ones keep what they hold until they are shut down or vanish."""
        self._deployed = deployed

    def post(
        self, body: bytes = b"", headers: Mapping[str, str] | None = None, *, method: str = "POST", path: str = "/", query: str = ""
    ) -> Answer:
        """One request to the Function URL."""
        event = url.event(method, path, query, headers or {}, body)
        if len(event) > url.MAX_BYTES:
            return Answer(413, b'{"Message":"Request Entity Too Large"}')
        environment, outcome = self._serve(event)
        if environment is None:
            return Answer(429, outcome.body)
        if outcome.failed:
            return Answer(502, b'{"Message":"Internal Server Error"}', {}, outcome.seconds, environment.name)
        return replace(url.answer(outcome.body), seconds=outcome.seconds, environment=environment.name)

    def invoke(self, event: Any) -> Outcome:
        """A direct invocation, as the steward does it; the outcome's body is what the function returned, or its error."""
        return self._serve(json.dumps(event).encode())[1]

    def _serve(self, event: bytes) -> tuple[Environment | None, Outcome]:
        environment = self._claimed()
        if environment is None:
            return None, Outcome(b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}', failed=True)
        return environment, environment.serve(event)

    def _claimed(self) -> Environment | None:
        with self._lock:
            known = self.environments if self._dice is None else self._dice.sample(self.environments, len(self.environments))
            for environment in known:
                if environment.deployed is self._deployed and environment.claim():
                    return environment
            if self._starting + sum(environment.state == "busy" for environment in self.environments) >= self._concurrency:
                return None
            self._starting += 1
        try:
            environment = Environment(self._deployed, self._folder)
            environment.claim()
            self.environments.append(environment)
        finally:
            with self._lock:
                self._starting -= 1
        return environment

    def settle(self) -> None:
        """Waits until every environment is frozen again."""
        self._each(Environment.settle)

    def shutdown(self) -> None:
        """SHUTDOWN for every environment, at once."""
        self._each(Environment.shutdown)

    def _each(self, do: Callable[[Environment], object]) -> None:
        left = [environment for environment in self.environments if environment.state != "gone"]
        threads = [threading.Thread(target=do, args=(environment,)) for environment in left]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


MakeFleet = Callable[..., Fleet]
