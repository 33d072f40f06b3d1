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

class Tier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_UNSPECIFIED: _ClassVar[Tier]
    TIER_POP: _ClassVar[Tier]
    TIER_NEIGHBOUR: _ClassVar[Tier]
    TIER_CORE: _ClassVar[Tier]

class RoundTripSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUND_TRIP_SOURCE_UNSPECIFIED: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_GEOGRAPHY: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_MEASURED: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_UNKNOWN: _ClassVar[RoundTripSource]
    ROUND_TRIP_SOURCE_NETWORK: _ClassVar[RoundTripSource]
LEASE_MODE_UNSPECIFIED: LeaseMode
LEASE_MODE_NORMAL: LeaseMode
LEASE_MODE_STALE: LeaseMode
LEASE_MODE_PANIC: LeaseMode
TIER_UNSPECIFIED: Tier
TIER_POP: Tier
TIER_NEIGHBOUR: Tier
TIER_CORE: Tier
ROUND_TRIP_SOURCE_UNSPECIFIED: RoundTripSource
ROUND_TRIP_SOURCE_GEOGRAPHY: RoundTripSource
ROUND_TRIP_SOURCE_MEASURED: RoundTripSource
ROUND_TRIP_SOURCE_UNKNOWN: RoundTripSource
ROUND_TRIP_SOURCE_NETWORK: RoundTripSource

class RouteRequest(_message.Message):
    __slots__ = ("model", "origin", "constraints", "protocol_version", "excluded_nodes", "prefix", "outcomes", "tenant_token", "preferences", "round_trips", "prompt_bytes", "early")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_NODES_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    TENANT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIPS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_BYTES_FIELD_NUMBER: _ClassVar[int]
    EARLY_FIELD_NUMBER: _ClassVar[int]
    model: str
    origin: _types_pb2.Position
    constraints: _types_pb2.Constraints
    protocol_version: int
    excluded_nodes: _containers.RepeatedScalarFieldContainer[str]
    prefix: _types_pb2.PrefixKeys
    outcomes: _containers.RepeatedCompositeFieldContainer[RouteOutcome]
    tenant_token: str
    preferences: _types_pb2.Preferences
    round_trips: _containers.RepeatedCompositeFieldContainer[MeasuredRoundTrip]
    prompt_bytes: int
    early: bool
    def __init__(self, model: _Optional[str] = ..., origin: _Optional[_Union[_types_pb2.Position, _Mapping]] = ..., constraints: _Optional[_Union[_types_pb2.Constraints, _Mapping]] = ..., protocol_version: _Optional[int] = ..., excluded_nodes: _Optional[_Iterable[str]] = ..., prefix: _Optional[_Union[_types_pb2.PrefixKeys, _Mapping]] = ..., outcomes: _Optional[_Iterable[_Union[RouteOutcome, _Mapping]]] = ..., tenant_token: _Optional[str] = ..., preferences: _Optional[_Union[_types_pb2.Preferences, _Mapping]] = ..., round_trips: _Optional[_Iterable[_Union[MeasuredRoundTrip, _Mapping]]] = ..., prompt_bytes: _Optional[int] = ..., early: _Optional[bool] = ...) -> None: ...

class MeasuredRoundTrip(_message.Message):
    __slots__ = ("node", "seconds", "spread_seconds")
    NODE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    node: str
    seconds: float
    spread_seconds: float
    def __init__(self, node: _Optional[str] = ..., seconds: _Optional[float] = ..., spread_seconds: _Optional[float] = ...) -> None: ...

class RouteOutcome(_message.Message):
    __slots__ = ("node", "predicted_ttft_seconds", "actual_ttft_seconds", "tier")
    NODE_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_TTFT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_TTFT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    node: str
    predicted_ttft_seconds: float
    actual_ttft_seconds: float
    tier: Tier
    def __init__(self, node: _Optional[str] = ..., predicted_ttft_seconds: _Optional[float] = ..., actual_ttft_seconds: _Optional[float] = ..., tier: _Optional[_Union[Tier, str]] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("id", "ttl_seconds", "renew_after_seconds", "candidates", "mode", "map_revision", "excluded", "model", "ticket", "ticket_ttl_seconds")
    ID_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RENEW_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    MAP_REVISION_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    TICKET_TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    ttl_seconds: float
    renew_after_seconds: float
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    mode: LeaseMode
    map_revision: int
    excluded: _containers.RepeatedCompositeFieldContainer[Excluded]
    model: str
    ticket: str
    ticket_ttl_seconds: float
    def __init__(self, id: _Optional[str] = ..., ttl_seconds: _Optional[float] = ..., renew_after_seconds: _Optional[float] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., mode: _Optional[_Union[LeaseMode, str]] = ..., map_revision: _Optional[int] = ..., excluded: _Optional[_Iterable[_Union[Excluded, _Mapping]]] = ..., model: _Optional[str] = ..., ticket: _Optional[str] = ..., ticket_ttl_seconds: _Optional[float] = ...) -> None: ...

class Excluded(_message.Message):
    __slots__ = ("constraint", "count")
    CONSTRAINT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    constraint: str
    count: int
    def __init__(self, constraint: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("node", "incarnation", "endpoint", "pop", "jurisdiction", "model_digest", "weight", "prediction", "load", "load_age_seconds", "position", "prefix_hints", "tier")
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
    PREFIX_HINTS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
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
    prefix_hints: _containers.RepeatedCompositeFieldContainer[PrefixHint]
    tier: Tier
    def __init__(self, node: _Optional[str] = ..., incarnation: _Optional[str] = ..., endpoint: _Optional[str] = ..., pop: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., model_digest: _Optional[str] = ..., weight: _Optional[float] = ..., prediction: _Optional[_Union[Prediction, _Mapping]] = ..., load: _Optional[_Union[_types_pb2.NodeLoad, _Mapping]] = ..., load_age_seconds: _Optional[float] = ..., position: _Optional[_Union[_types_pb2.Position, _Mapping]] = ..., prefix_hints: _Optional[_Iterable[_Union[PrefixHint, _Mapping]]] = ..., tier: _Optional[_Union[Tier, str]] = ...) -> None: ...

class PrefixHint(_message.Message):
    __slots__ = ("key", "tokens")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    key: int
    tokens: int
    def __init__(self, key: _Optional[int] = ..., tokens: _Optional[int] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("round_trip_seconds", "round_trip_source", "queue_seconds", "base_seconds", "ttft_seconds", "prefill_seconds", "connect_seconds", "spread_seconds", "penalty_seconds", "round_trip_spread_seconds")
    ROUND_TRIP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_SOURCE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TTFT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PREFILL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CONNECT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PENALTY_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_SPREAD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    round_trip_seconds: float
    round_trip_source: RoundTripSource
    queue_seconds: float
    base_seconds: float
    ttft_seconds: float
    prefill_seconds: float
    connect_seconds: float
    spread_seconds: float
    penalty_seconds: float
    round_trip_spread_seconds: float
    def __init__(self, round_trip_seconds: _Optional[float] = ..., round_trip_source: _Optional[_Union[RoundTripSource, str]] = ..., queue_seconds: _Optional[float] = ..., base_seconds: _Optional[float] = ..., ttft_seconds: _Optional[float] = ..., prefill_seconds: _Optional[float] = ..., connect_seconds: _Optional[float] = ..., spread_seconds: _Optional[float] = ..., penalty_seconds: _Optional[float] = ..., round_trip_spread_seconds: _Optional[float] = ...) -> None: ...

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
