from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_STATE_UNSPECIFIED: _ClassVar[NodeState]
    NODE_STATE_READY: _ClassVar[NodeState]
    NODE_STATE_CORDONED: _ClassVar[NodeState]
    NODE_STATE_DRAINING: _ClassVar[NodeState]
    NODE_STATE_DRAINED: _ClassVar[NodeState]
    NODE_STATE_FAILED: _ClassVar[NodeState]
    NODE_STATE_STARTING: _ClassVar[NodeState]

class Intake(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTAKE_UNSPECIFIED: _ClassVar[Intake]
    INTAKE_OPEN: _ClassVar[Intake]
    INTAKE_CORDONED: _ClassVar[Intake]
    INTAKE_DRAINED: _ClassVar[Intake]
NODE_STATE_UNSPECIFIED: NodeState
NODE_STATE_READY: NodeState
NODE_STATE_CORDONED: NodeState
NODE_STATE_DRAINING: NodeState
NODE_STATE_DRAINED: NodeState
NODE_STATE_FAILED: NodeState
NODE_STATE_STARTING: NodeState
INTAKE_UNSPECIFIED: Intake
INTAKE_OPEN: Intake
INTAKE_CORDONED: Intake
INTAKE_DRAINED: Intake

class Position(_message.Message):
    __slots__ = ("latitude", "longitude")
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    latitude: float
    longitude: float
    def __init__(self, latitude: _Optional[float] = ..., longitude: _Optional[float] = ...) -> None: ...

class NodeInfo(_message.Message):
    __slots__ = ("name", "incarnation", "endpoint", "pop", "position", "jurisdiction", "provider", "models", "hardware", "version", "cost_per_hour", "core", "local_models")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    POP_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    HARDWARE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    COST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    CORE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_MODELS_FIELD_NUMBER: _ClassVar[int]
    name: str
    incarnation: str
    endpoint: str
    pop: str
    position: Position
    jurisdiction: str
    provider: str
    models: _containers.RepeatedCompositeFieldContainer[Model]
    hardware: Hardware
    version: str
    cost_per_hour: float
    core: bool
    local_models: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., incarnation: _Optional[str] = ..., endpoint: _Optional[str] = ..., pop: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., jurisdiction: _Optional[str] = ..., provider: _Optional[str] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., hardware: _Optional[_Union[Hardware, _Mapping]] = ..., version: _Optional[str] = ..., cost_per_hour: _Optional[float] = ..., core: _Optional[bool] = ..., local_models: _Optional[_Iterable[str]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "digest", "context_tokens", "dtype")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    context_tokens: int
    dtype: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., context_tokens: _Optional[int] = ..., dtype: _Optional[str] = ...) -> None: ...

class Hardware(_message.Message):
    __slots__ = ("accelerator", "accelerators", "memory_bytes", "cpu", "cpu_cores")
    ACCELERATOR_FIELD_NUMBER: _ClassVar[int]
    ACCELERATORS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    accelerator: str
    accelerators: int
    memory_bytes: int
    cpu: str
    cpu_cores: int
    def __init__(self, accelerator: _Optional[str] = ..., accelerators: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., cpu: _Optional[str] = ..., cpu_cores: _Optional[int] = ...) -> None: ...

class NodeLoad(_message.Message):
    __slots__ = ("running", "waiting", "waiting_prompt_tokens", "slots", "kv_cache", "prefill_tokens_per_second", "decode_tokens_per_second", "base_seconds", "steps", "hardware", "bytes_per_token", "service_seconds", "ramp")
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    WAITING_PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_FIELD_NUMBER: _ClassVar[int]
    PREFILL_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    DECODE_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    HARDWARE_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SERVICE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RAMP_FIELD_NUMBER: _ClassVar[int]
    running: int
    waiting: int
    waiting_prompt_tokens: int
    slots: int
    kv_cache: KvCache
    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    base_seconds: float
    steps: int
    hardware: HardwareLoad
    bytes_per_token: float
    service_seconds: float
    ramp: float
    def __init__(self, running: _Optional[int] = ..., waiting: _Optional[int] = ..., waiting_prompt_tokens: _Optional[int] = ..., slots: _Optional[int] = ..., kv_cache: _Optional[_Union[KvCache, _Mapping]] = ..., prefill_tokens_per_second: _Optional[float] = ..., decode_tokens_per_second: _Optional[float] = ..., base_seconds: _Optional[float] = ..., steps: _Optional[int] = ..., hardware: _Optional[_Union[HardwareLoad, _Mapping]] = ..., bytes_per_token: _Optional[float] = ..., service_seconds: _Optional[float] = ..., ramp: _Optional[float] = ...) -> None: ...

class Constraints(_message.Message):
    __slots__ = ("jurisdictions", "providers", "cost_per_hour_most", "accelerators")
    JURISDICTIONS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    COST_PER_HOUR_MOST_FIELD_NUMBER: _ClassVar[int]
    ACCELERATORS_FIELD_NUMBER: _ClassVar[int]
    jurisdictions: _containers.RepeatedScalarFieldContainer[str]
    providers: _containers.RepeatedScalarFieldContainer[str]
    cost_per_hour_most: float
    accelerators: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, jurisdictions: _Optional[_Iterable[str]] = ..., providers: _Optional[_Iterable[str]] = ..., cost_per_hour_most: _Optional[float] = ..., accelerators: _Optional[_Iterable[str]] = ...) -> None: ...

class Preferences(_message.Message):
    __slots__ = ("providers", "cost_per_hour_most", "accelerators", "worth_seconds")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    COST_PER_HOUR_MOST_FIELD_NUMBER: _ClassVar[int]
    ACCELERATORS_FIELD_NUMBER: _ClassVar[int]
    WORTH_SECONDS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedScalarFieldContainer[str]
    cost_per_hour_most: float
    accelerators: _containers.RepeatedScalarFieldContainer[str]
    worth_seconds: float
    def __init__(self, providers: _Optional[_Iterable[str]] = ..., cost_per_hour_most: _Optional[float] = ..., accelerators: _Optional[_Iterable[str]] = ..., worth_seconds: _Optional[float] = ...) -> None: ...

class PrefixKeys(_message.Message):
    __slots__ = ("scheme", "key_id", "keys")
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    scheme: str
    key_id: str
    keys: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, scheme: _Optional[str] = ..., key_id: _Optional[str] = ..., keys: _Optional[_Iterable[int]] = ...) -> None: ...

class KvCache(_message.Message):
    __slots__ = ("usage", "capacity_tokens", "block_tokens", "query_tokens", "hit_tokens", "evicted_blocks", "cleared")
    USAGE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TOKENS_FIELD_NUMBER: _ClassVar[int]
    QUERY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    HIT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EVICTED_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    CLEARED_FIELD_NUMBER: _ClassVar[int]
    usage: float
    capacity_tokens: int
    block_tokens: int
    query_tokens: int
    hit_tokens: int
    evicted_blocks: int
    cleared: int
    def __init__(self, usage: _Optional[float] = ..., capacity_tokens: _Optional[int] = ..., block_tokens: _Optional[int] = ..., query_tokens: _Optional[int] = ..., hit_tokens: _Optional[int] = ..., evicted_blocks: _Optional[int] = ..., cleared: _Optional[int] = ...) -> None: ...

class HardwareLoad(_message.Message):
    __slots__ = ("utilisation", "memory_used_bytes", "memory_total_bytes", "temperature_celsius")
    UTILISATION_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_CELSIUS_FIELD_NUMBER: _ClassVar[int]
    utilisation: float
    memory_used_bytes: int
    memory_total_bytes: int
    temperature_celsius: float
    def __init__(self, utilisation: _Optional[float] = ..., memory_used_bytes: _Optional[int] = ..., memory_total_bytes: _Optional[int] = ..., temperature_celsius: _Optional[float] = ...) -> None: ...

class DeclaredPrefix(_message.Message):
    __slots__ = ("name", "tenant", "group", "model", "pops", "text", "system")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POPS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    tenant: str
    group: str
    model: str
    pops: _containers.RepeatedScalarFieldContainer[str]
    text: str
    system: bool
    def __init__(self, name: _Optional[str] = ..., tenant: _Optional[str] = ..., group: _Optional[str] = ..., model: _Optional[str] = ..., pops: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., system: _Optional[bool] = ...) -> None: ...
