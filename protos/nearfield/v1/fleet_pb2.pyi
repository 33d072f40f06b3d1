from protos.nearfield.v1 import types_pb2 as _types_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeFrame(_message.Message):
    __slots__ = ("hello", "report", "goodbye")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    report: Report
    goodbye: Goodbye
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., report: _Optional[_Union[Report, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class PlaneFrame(_message.Message):
    __slots__ = ("welcome", "desired")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    desired: Desired
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., desired: _Optional[_Union[Desired, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("replica_id", "protocol_version", "report_interval_seconds")
    REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    REPORT_INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    replica_id: str
    protocol_version: int
    report_interval_seconds: float
    def __init__(self, replica_id: _Optional[str] = ..., protocol_version: _Optional[int] = ..., report_interval_seconds: _Optional[float] = ...) -> None: ...

class Desired(_message.Message):
    __slots__ = ("directory_id", "revision", "intake", "cache_generation", "reason")
    DIRECTORY_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INTAKE_FIELD_NUMBER: _ClassVar[int]
    CACHE_GENERATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    directory_id: str
    revision: int
    intake: _types_pb2.Intake
    cache_generation: int
    reason: str
    def __init__(self, directory_id: _Optional[str] = ..., revision: _Optional[int] = ..., intake: _Optional[_Union[_types_pb2.Intake, str]] = ..., cache_generation: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
