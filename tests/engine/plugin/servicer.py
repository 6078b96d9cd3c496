"""The provider protocol. Properties cross it as protobuf structs, in which unknowns are marked strings. Secrets the engine keeps to itself
and puts back on the answers, since this provider, like the AWS one, does not say that it accepts them."""

import json
import traceback
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.rpc.status_pb2 import Status
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine.plugin.cloud import Cloud
from tests.engine.plugin.inputs import UNKNOWN, delete_first, differences, named, unknown
from tests.engine.plugin.kind import Kind, Properties
from tests.engine.plugin.kinds import KINDS
from tests.engine.plugin.resource import HalfMadeError, Resource, State

Answer = TypeVar("Answer")
VERSION = version("pulumi-aws")


def _said(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """A failure in AWS's words, as the engine's message; half of a resource as the engine wants to hear of it."""

    @wraps(method)
    def asked(self: Any, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return method(self, request, context)
        except HalfMadeError as error:
            context.set_trailing_metadata([("grpc-status-details-bin", _half_made(error))])
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            known = type(error).__module__.startswith("botocore")
            context.abort(grpc.StatusCode.UNKNOWN, f"{method.__name__.lower()}: {error if known else traceback.format_exc()}")
        raise AssertionError("abort always raises")

    return asked


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One for each provider the engine starts."""

    def __init__(self) -> None:
        self._cloud = Cloud()
        self._default_tags: dict[str, str] = {}

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        replaces = ["region"] if _plain(request.olds).get("region") != _plain(request.news).get("region") else []
        return provider_pb2.DiffResponse(replaces=replaces)

    def Configure(self, request: Any, context: Any) -> Any:
        args = _plain(request.args)
        self._cloud = Cloud(args.get("region"))
        tags = args.get("defaultTags") or {}
        self._default_tags = (json.loads(tags) if isinstance(tags, str) else tags).get("tags", {})
        return provider_pb2.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    @_said
    def Invoke(self, request: Any, context: Any) -> Any:
        cloud = self._cloud
        known: dict[str, Callable[[], Properties]] = {
            "getCallerIdentity": lambda: {"accountId": cloud.account, "arn": f"arn:aws:iam::{cloud.account}:root", "userId": cloud.account},
            "getRegion": lambda: {"region": cloud.region, "name": cloud.region},
            "getPartition": lambda: {"partition": "aws", "dnsSuffix": "amazonaws.com"},
        }
        name = request.tok.rpartition(":")[2]
        return provider_pb2.InvokeResponse(**{"return": _struct({"id": cloud.region, **known[name]()})})

    @_said
    def Check(self, request: Any, context: Any) -> Any:
        kind, old, new = _kind(request), _plain(request.olds), _plain(request.news)
        proposed = request.autonaming.proposed_name if request.HasField("autonaming") else None
        if kind.tags and (self._default_tags or "tags" in new):
            new["tags"] = {**self._default_tags, **(new.get("tags") or {})}
        inputs = named(kind, request.urn.rpartition("::")[2], old, new, request.randomSeed, proposed)
        known = not unknown(inputs)
        faults = Resource(kind, self._cloud).faults(inputs) if known else []
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in faults]
        return provider_pb2.CheckResponse(inputs=_struct(inputs), failures=failures)

    @_said
    def Diff(self, request: Any, context: Any) -> Any:
        kind, new = _kind(request), _plain(request.news)
        old = _plain(request.old_inputs if request.HasField("old_inputs") else request.olds)
        found = differences(old, new)
        replaces = {path for path in found if _replaces(kind, path.split(".")[0].split("[")[0])}
        detailed = {
            path: provider_pb2.PropertyDiff(kind=f"{how}_replace".upper() if path in replaces else how.upper(), inputDiff=True)
            for path, how in found.items()
        }
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({path.split(".")[0].split("[")[0] for path in found}),
            replaces=sorted({path.split(".")[0].split("[")[0] for path in replaces}),
            deleteBeforeReplace=bool(replaces) and delete_first(kind, new),
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    @_said
    def Create(self, request: Any, context: Any) -> Any:
        kind, inputs = _kind(request), _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct({**dict.fromkeys([*kind.computed, *kind.defaults], UNKNOWN), **inputs}))
        made = Resource(kind, self._cloud).create(inputs)
        return provider_pb2.CreateResponse(id=made.id, properties=_struct(made.properties))

    @_said
    def Read(self, request: Any, context: Any) -> Any:
        kind, inputs = _kind(request), _plain(request.inputs)
        told = Resource(kind, self._cloud).read(State(request.id, {**_plain(request.properties), **inputs}))
        if told is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=told.id, properties=_struct(told.properties), inputs=_struct(_inputs(told, inputs)))

    @_said
    def Update(self, request: Any, context: Any) -> Any:
        kind, old, new = _kind(request), _plain(request.olds), _plain(request.news)
        if request.preview:
            outputs = {name: old[name] for name in [*kind.computed, *kind.defaults, "tagsAll"] if name in old}
            return provider_pb2.UpdateResponse(properties=_struct({**outputs, **dict.fromkeys(kind.volatile, UNKNOWN), **new}))
        changed = Resource(kind, self._cloud).update(State(request.id, old), _plain(request.old_inputs), new)
        return provider_pb2.UpdateResponse(properties=_struct(changed.properties))

    @_said
    def Delete(self, request: Any, context: Any) -> Any:
        Resource(_kind(request), self._cloud).delete(State(request.id, _plain(request.properties)))
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return Empty()


def _kind(request: Any) -> Kind:
    return KINDS[request.urn.split("::")[2].rpartition("$")[2]]


def _replaces(kind: Kind, name: str) -> bool:
    return name not in kind.local if kind.replaces is None else name in kind.replaces


def _inputs(told: State, asked: Properties) -> Properties:
    return {name: value for name, value in {**told.properties, "__defaults": asked.get("__defaults", [])}.items() if name in asked}


def _plain(struct: Any) -> Properties:
    return dict(MessageToDict(struct))


def _struct(properties: Properties) -> Struct:
    made = Struct()
    made.update(properties)
    return made


def _half_made(error: HalfMadeError) -> bytes:
    properties = _struct(error.state.properties)
    detail = provider_pb2.ErrorResourceInitFailed(id=error.state.id, properties=properties, inputs=properties, reasons=[str(error)])
    packed = Packed()
    packed.Pack(detail)
    return bytes(Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed]).SerializeToString())
