from protos.nearfield.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeFrame(_message.Message):
    __slots__ = ("hello", "report", "goodbye", "prefixes")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    report: Report
    goodbye: Goodbye
    prefixes: PrefixSummary
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., report: _Optional[_Union[Report, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., prefixes: _Optional[_Union[PrefixSummary, _Mapping]] = ...) -> None: ...

class PlaneFrame(_message.Message):
    __slots__ = ("welcome", "desired", "trust", "declarations")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    TRUST_FIELD_NUMBER: _ClassVar[int]
    DECLARATIONS_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    desired: Desired
    trust: Trust
    declarations: Declarations
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., desired: _Optional[_Union[Desired, _Mapping]] = ..., trust: _Optional[_Union[Trust, _Mapping]] = ..., declarations: _Optional[_Union[Declarations, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol_version", "join_token", "node", "state", "applied_revision")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    JOIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    APPLIED_REVISION_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    join_token: str
    node: _types_pb2.NodeInfo
    state: _types_pb2.NodeState
    applied_revision: int
    def __init__(self, protocol_version: _Optional[int] = ..., join_token: _Optional[str] = ..., node: _Optional[_Union[_types_pb2.NodeInfo, _Mapping]] = ..., state: _Optional[_Union[_types_pb2.NodeState, str]] = ..., applied_revision: _Optional[int] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("seq", "state", "reason", "load", "applied_revision")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    APPLIED_REVISION_FIELD_NUMBER: _ClassVar[int]
    seq: int
    state: _types_pb2.NodeState
    reason: str
    load: _types_pb2.NodeLoad
    applied_revision: int
    def __init__(self, seq: _Optional[int] = ..., state: _Optional[_Union[_types_pb2.NodeState, str]] = ..., reason: _Optional[str] = ..., load: _Optional[_Union[_types_pb2.NodeLoad, _Mapping]] = ..., applied_revision: _Optional[int] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("replica_id", "protocol_version", "report_interval_seconds", "trust")
    REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    REPORT_INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TRUST_FIELD_NUMBER: _ClassVar[int]
    replica_id: str
    protocol_version: int
    report_interval_seconds: float
    trust: Trust
    def __init__(self, replica_id: _Optional[str] = ..., protocol_version: _Optional[int] = ..., report_interval_seconds: _Optional[float] = ..., trust: _Optional[_Union[Trust, _Mapping]] = ...) -> None: ...

class Trust(_message.Message):
    __slots__ = ("public_keys", "revocation_epoch")
    PUBLIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    REVOCATION_EPOCH_FIELD_NUMBER: _ClassVar[int]
    public_keys: _containers.RepeatedCompositeFieldContainer[PublicKey]
    revocation_epoch: int
    def __init__(self, public_keys: _Optional[_Iterable[_Union[PublicKey, _Mapping]]] = ..., revocation_epoch: _Optional[int] = ...) -> None: ...

class PublicKey(_message.Message):
    __slots__ = ("key_id", "key", "valid_seconds")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALID_SECONDS_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    key: bytes
    valid_seconds: float
    def __init__(self, key_id: _Optional[str] = ..., key: _Optional[bytes] = ..., valid_seconds: _Optional[float] = ...) -> None: ...

class Declarations(_message.Message):
    __slots__ = ("revision", "prefixes")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    prefixes: _containers.RepeatedCompositeFieldContainer[_types_pb2.DeclaredPrefix]
    def __init__(self, revision: _Optional[int] = ..., prefixes: _Optional[_Iterable[_Union[_types_pb2.DeclaredPrefix, _Mapping]]] = ...) -> None: ...

class PrefixSummary(_message.Message):
    __slots__ = ("epoch", "seq", "snapshot", "keys", "tokens")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    seq: int
    snapshot: bool
    keys: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, epoch: _Optional[int] = ..., seq: _Optional[int] = ..., snapshot: _Optional[bool] = ..., keys: _Optional[_Iterable[int]] = ..., tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class RelayedNodeFrames(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[RelayedNodeFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[RelayedNodeFrame, _Mapping]]] = ...) -> None: ...

class RelayedNodeFrame(_message.Message):
    __slots__ = ("link", "frame", "closed")
    LINK_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    link: int
    frame: NodeFrame
    closed: bool
    def __init__(self, link: _Optional[int] = ..., frame: _Optional[_Union[NodeFrame, _Mapping]] = ..., closed: _Optional[bool] = ...) -> None: ...

class RelayedPlaneFrames(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[RelayedPlaneFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[RelayedPlaneFrame, _Mapping]]] = ...) -> None: ...

class RelayedPlaneFrame(_message.Message):
    __slots__ = ("link", "frame", "error")
    LINK_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    link: int
    frame: PlaneFrame
    error: bytes
    def __init__(self, link: _Optional[int] = ..., frame: _Optional[_Union[PlaneFrame, _Mapping]] = ..., error: _Optional[bytes] = ...) -> None: ...

class Desired(_message.Message):
    __slots__ = ("directory_id", "revision", "intake", "cache_generation", "reason", "model")
    DIRECTORY_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INTAKE_FIELD_NUMBER: _ClassVar[int]
    CACHE_GENERATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    directory_id: str
    revision: int
    intake: _types_pb2.Intake
    cache_generation: int
    reason: str
    model: str
    def __init__(self, directory_id: _Optional[str] = ..., revision: _Optional[int] = ..., intake: _Optional[_Union[_types_pb2.Intake, str]] = ..., cache_generation: _Optional[int] = ..., reason: _Optional[str] = ..., model: _Optional[str] = ...) -> None: ...
