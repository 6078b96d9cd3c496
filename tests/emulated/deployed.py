"""A function as it was deployed: its code, its layer and its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Deployed:
    """What was deployed: a folder that is the code zip, one that is the layer, and the function's configuration."""

    name: str
    code: Path
    layer: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    handler: str = "tap_runtime.function.handler"
    memory_mb: int = 128
    timeout_s: int = 30
    period_us: int = 20_000  # the share of a core is spent anew in each; published measurements found this one on Lambda
    tmp_mb: int | None = None  # a /tmp of this size; None: a folder without a limit

    @property
    def cores(self) -> float:
        """Lambda's rule: one core at 1,769 MB."""
        return self.memory_mb / 1769

    def environment(self) -> dict[str, str]:
        """What Lambda sets, then the function's own; nothing of this process's environment."""
        return {
            "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": self.handler,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout_s),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            **self.variables,
        }
