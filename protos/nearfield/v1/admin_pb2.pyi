from protos.nearfield.v1 import fleet_pb2 as _fleet_pb2
from protos.nearfield.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Health(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEALTH_UNSPECIFIED: _ClassVar[Health]
    HEALTH_ALIVE: _ClassVar[Health]
    HEALTH_SUSPECT: _ClassVar[Health]
    HEALTH_LOST: _ClassVar[Health]
    HEALTH_LEFT: _ClassVar[Health]
HEALTH_UNSPECIFIED: Health
HEALTH_ALIVE: Health
HEALTH_SUSPECT: Health
HEALTH_LOST: Health
HEALTH_LEFT: Health

class NodeView(_message.Message):
    __slots__ = ("info", "state", "reason", "health", "load", "last_heard_seconds", "desired", "applied_revision")
    INFO_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    APPLIED_REVISION_FIELD_NUMBER: _ClassVar[int]
    info: _types_pb2.NodeInfo
    state: _types_pb2.NodeState
    reason: str
    health: Health
    load: _types_pb2.NodeLoad
    last_heard_seconds: float
    desired: _fleet_pb2.Desired
    applied_revision: int
    def __init__(self, info: _Optional[_Union[_types_pb2.NodeInfo, _Mapping]] = ..., state: _Optional[_Union[_types_pb2.NodeState, str]] = ..., reason: _Optional[str] = ..., health: _Optional[_Union[Health, str]] = ..., load: _Optional[_Union[_types_pb2.NodeLoad, _Mapping]] = ..., last_heard_seconds: _Optional[float] = ..., desired: _Optional[_Union[_fleet_pb2.Desired, _Mapping]] = ..., applied_revision: _Optional[int] = ...) -> None: ...

class ListNodesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListNodesReply(_message.Message):
    __slots__ = ("nodes", "map_revision")
    NODES_FIELD_NUMBER: _ClassVar[int]
    MAP_REVISION_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeView]
    map_revision: int
    def __init__(self, nodes: _Optional[_Iterable[_Union[NodeView, _Mapping]]] = ..., map_revision: _Optional[int] = ...) -> None: ...

class GetNodeRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchNodesRequest(_message.Message):
    __slots__ = ("interval_seconds",)
    INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    interval_seconds: float
    def __init__(self, interval_seconds: _Optional[float] = ...) -> None: ...

class NodeChange(_message.Message):
    __slots__ = ("node", "removed")
    NODE_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    node: NodeView
    removed: bool
    def __init__(self, node: _Optional[_Union[NodeView, _Mapping]] = ..., removed: _Optional[bool] = ...) -> None: ...

class SetIntakeRequest(_message.Message):
    __slots__ = ("name", "intake", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INTAKE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    intake: _types_pb2.Intake
    reason: str
    def __init__(self, name: _Optional[str] = ..., intake: _Optional[_Union[_types_pb2.Intake, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ClearPrefixCacheRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Applied(_message.Message):
    __slots__ = ("desired", "durable")
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    desired: _fleet_pb2.Desired
    durable: bool
    def __init__(self, desired: _Optional[_Union[_fleet_pb2.Desired, _Mapping]] = ..., durable: _Optional[bool] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsReply(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ServedModel]
    def __init__(self, models: _Optional[_Iterable[_Union[ServedModel, _Mapping]]] = ...) -> None: ...

class ServedModel(_message.Message):
    __slots__ = ("name", "digest", "context_tokens", "nodes", "takes_work", "policy", "could_serve")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    TAKES_WORK_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    COULD_SERVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    context_tokens: int
    nodes: _containers.RepeatedScalarFieldContainer[str]
    takes_work: _containers.RepeatedScalarFieldContainer[str]
    policy: ModelPolicy
    could_serve: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., context_tokens: _Optional[int] = ..., nodes: _Optional[_Iterable[str]] = ..., takes_work: _Optional[_Iterable[str]] = ..., policy: _Optional[_Union[ModelPolicy, _Mapping]] = ..., could_serve: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelPolicy(_message.Message):
    __slots__ = ("model", "pops", "minimum", "maximum")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POPS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    model: str
    pops: _containers.RepeatedScalarFieldContainer[str]
    minimum: int
    maximum: int
    def __init__(self, model: _Optional[str] = ..., pops: _Optional[_Iterable[str]] = ..., minimum: _Optional[int] = ..., maximum: _Optional[int] = ...) -> None: ...

class WithdrawPrefixRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListPrefixesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPrefixesReply(_message.Message):
    __slots__ = ("prefixes",)
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    prefixes: _containers.RepeatedCompositeFieldContainer[_types_pb2.DeclaredPrefix]
    def __init__(self, prefixes: _Optional[_Iterable[_Union[_types_pb2.DeclaredPrefix, _Mapping]]] = ...) -> None: ...

class RevokeTicketsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PolicyApplied(_message.Message):
    __slots__ = ("revision", "durable")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    durable: bool
    def __init__(self, revision: _Optional[int] = ..., durable: _Optional[bool] = ...) -> None: ...
