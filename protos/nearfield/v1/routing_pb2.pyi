from protos.nearfield.v1 import inference_pb2 as _inference_pb2
from protos.nearfield.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeaseMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_MODE_UNSPECIFIED: _ClassVar[LeaseMode]
    LEASE_MODE_NORMAL: _ClassVar[LeaseMode]
    LEASE_MODE_STALE: _ClassVar[LeaseMode]
    LEASE_MODE_PANIC: _ClassVar[LeaseMode]

class RoundTripSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUND_TRIP_SOURCE_UNSPECIFIED: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_GEOGRAPHY: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_MEASURED: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_UNKNOWN: _ClassVar[RoundTripSource]
LEASE_MODE_UNSPECIFIED: LeaseMode
LEASE_MODE_NORMAL: LeaseMode
LEASE_MODE_STALE: LeaseMode
LEASE_MODE_PANIC: LeaseMode
ROUND_TRIP_SOURCE_UNSPECIFIED: RoundTripSource
ROUND_TRIP_SOURCE_GEOGRAPHY: RoundTripSource
ROUND_TRIP_SOURCE_MEASURED: RoundTripSource
ROUND_TRIP_SOURCE_UNKNOWN: RoundTripSource

class RouteRequest(_message.Message):
    __slots__ = ("model", "origin", "constraints", "round_trip_seconds", "protocol_version", "excluded_nodes")
    class RoundTripSecondsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_NODES_FIELD_NUMBER: _ClassVar[int]
    model: str
    origin: _types_pb2.Position
    constraints: _inference_pb2.Constraints
    round_trip_seconds: _containers.ScalarMap[str, float]
    protocol_version: int
    excluded_nodes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[str] = ..., origin: _Optional[_Union[_types_pb2.Position, _Mapping]] = ..., constraints: _Optional[_Union[_inference_pb2.Constraints, _Mapping]] = ..., round_trip_seconds: _Optional[_Mapping[str, float]] = ..., protocol_version: _Optional[int] = ..., excluded_nodes: _Optional[_Iterable[str]] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("id", "ttl_seconds", "renew_after_seconds", "candidates", "mode", "map_revision", "excluded", "model")
    ID_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RENEW_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    MAP_REVISION_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    id: str
    ttl_seconds: float
    renew_after_seconds: float
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    mode: LeaseMode
    map_revision: int
    excluded: _containers.RepeatedCompositeFieldContainer[Excluded]
    model: str
    def __init__(self, id: _Optional[str] = ..., ttl_seconds: _Optional[float] = ..., renew_after_seconds: _Optional[float] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., mode: _Optional[_Union[LeaseMode, str]] = ..., map_revision: _Optional[int] = ..., excluded: _Optional[_Iterable[_Union[Excluded, _Mapping]]] = ..., model: _Optional[str] = ...) -> None: ...

class Excluded(_message.Message):
    __slots__ = ("constraint", "count")
    CONSTRAINT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    constraint: str
    count: int
    def __init__(self, constraint: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("node", "incarnation", "endpoint", "pop", "jurisdiction", "model_digest", "weight", "prediction", "load", "load_age_seconds", "position")
    NODE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    POP_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    LOAD_AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    node: str
    incarnation: str
    endpoint: str
    pop: str
    jurisdiction: str
    model_digest: str
    weight: float
    prediction: Prediction
    load: _types_pb2.NodeLoad
    load_age_seconds: float
    position: _types_pb2.Position
    def __init__(self, node: _Optional[str] = ..., incarnation: _Optional[str] = ..., endpoint: _Optional[str] = ..., pop: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., model_digest: _Optional[str] = ..., weight: _Optional[float] = ..., prediction: _Optional[_Union[Prediction, _Mapping]] = ..., load: _Optional[_Union[_types_pb2.NodeLoad, _Mapping]] = ..., load_age_seconds: _Optional[float] = ..., position: _Optional[_Union[_types_pb2.Position, _Mapping]] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("round_trip_seconds", "round_trip_source", "queue_seconds", "base_seconds", "ttft_seconds")
    ROUND_TRIP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_SOURCE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TTFT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    round_trip_seconds: float
    round_trip_source: RoundTripSource
    queue_seconds: float
    base_seconds: float
    ttft_seconds: float
    def __init__(self, round_trip_seconds: _Optional[float] = ..., round_trip_source: _Optional[_Union[RoundTripSource, str]] = ..., queue_seconds: _Optional[float] = ..., base_seconds: _Optional[float] = ..., ttft_seconds: _Optional[float] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("nodes", "map_revision", "model")
    NODES_FIELD_NUMBER: _ClassVar[int]
    MAP_REVISION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[ExplainedNode]
    map_revision: int
    model: str
    def __init__(self, nodes: _Optional[_Iterable[_Union[ExplainedNode, _Mapping]]] = ..., map_revision: _Optional[int] = ..., model: _Optional[str] = ...) -> None: ...

class ExplainedNode(_message.Message):
    __slots__ = ("candidate", "rank", "excluded_by", "reason", "distance_km")
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_KM_FIELD_NUMBER: _ClassVar[int]
    candidate: Candidate
    rank: int
    excluded_by: str
    reason: str
    distance_km: float
    def __init__(self, candidate: _Optional[_Union[Candidate, _Mapping]] = ..., rank: _Optional[int] = ..., excluded_by: _Optional[str] = ..., reason: _Optional[str] = ..., distance_km: _Optional[float] = ...) -> None: ...
