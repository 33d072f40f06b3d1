"""What a node is, how it fares and what is asked of it: frozen values."""

from dataclasses import dataclass, field
from enum import StrEnum

from nearfield.core.geo import Position
from nearfield.core.policy import ModelPolicy


class NodeState(StrEnum):
    """What a node says of itself."""

    READY = "ready"
    CORDONED = "cordoned"
    DRAINING = "draining"
    DRAINED = "drained"
    FAILED = "failed"
    STARTING = "starting"


class Intake(StrEnum):
    """What is asked of a node's intake of new work."""

    OPEN = "open"
    CORDONED = "cordoned"
    DRAINED = "drained"


class Health(StrEnum):
    """What the control plane holds of a node, from hearing it or not."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    LOST = "lost"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a node serves it. `digest` covers weights, tokenizer and chat template."""

    name: str
    digest: str
    context_tokens: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Hardware:
    """`memory_bytes` is of one accelerator, or of the host where there is none."""

    accelerator: str = "cpu"
    accelerators: int = 0
    memory_bytes: int = 0
    cpu: str = ""
    cpu_cores: int = 0


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """Fixed for one incarnation, that is for one run of the agent.

    A `cost_per_hour` of 0 is not stated. `core` nodes are the last step of a spill;
    `local_models` are those the node could serve instead.
    """

    name: str
    incarnation: str
    endpoint: str
    pop: str
    position: Position
    jurisdiction: str
    models: tuple[Model, ...]
    provider: str = ""
    hardware: Hardware = field(default_factory=Hardware)
    version: str = ""
    cost_per_hour: float = 0.0
    core: bool = False
    local_models: tuple[str, ...] = ()

    def model(self, name: str) -> Model | None:
        """Return the model of this name, or None where it is not served.

        An empty name means the only one.
        """
        if not name and len(self.models) == 1:
            return self.models[0]
        return next((model for model in self.models if model.name == name), None)


@dataclass(frozen=True, slots=True)
class KvCacheLoad:
    """`usage` is 0 to 1; counters run since the engine started."""

    usage: float = 0.0
    capacity_tokens: int = 0
    block_tokens: int = 0
    query_tokens: int = 0
    hit_tokens: int = 0
    evicted_blocks: int = 0
    cleared: int = 0

    @property
    def hit_rate(self) -> float:
        """Share of looked-up prompt tokens that were cached, 0 to 1."""
        return self.hit_tokens / self.query_tokens if self.query_tokens else 0.0


@dataclass(frozen=True, slots=True)
class HardwareLoad:
    """`utilisation` is 0 to 1, of the accelerator or, without one, of the host's cores."""

    utilisation: float = 0.0
    memory_used_bytes: int = 0
    memory_total_bytes: int = 0
    temperature_celsius: float | None = None


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """A node's load at one moment; rates and times of 0 are not known yet.

    `base_seconds` is the fixed cost of a first token, `service_seconds` how long a request
    holds its slot, `ramp` the share of its slots that a starting node takes work for yet.
    """

    running: int = 0
    waiting: int = 0
    waiting_prompt_tokens: int = 0
    slots: int = 1
    kv_cache: KvCacheLoad = field(default_factory=KvCacheLoad)
    prefill_tokens_per_second: float = 0.0
    decode_tokens_per_second: float = 0.0
    base_seconds: float = 0.0
    steps: int = 0
    hardware: HardwareLoad = field(default_factory=HardwareLoad)
    bytes_per_token: float = 0.0
    service_seconds: float = 0.0
    ramp: float = 1.0


@dataclass(frozen=True, slots=True)
class Desired:
    """What a node should be; of two, the higher revision holds.

    A higher `cache_generation` than the one applied asks for an empty prefix cache; a
    `model` is one of the node's local models, empty is the one it is set up with.
    """

    revision: int = 0
    intake: Intake = Intake.OPEN
    cache_generation: int = 0
    reason: str = ""
    directory_id: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as the control plane sees it; `heard` is seconds since the last word from it."""

    info: NodeInfo
    state: NodeState
    health: Health
    reason: str = ""
    load: NodeLoad = field(default_factory=NodeLoad)
    heard: float = 0.0
    desired: Desired = field(default_factory=Desired)
    applied_revision: int = 0

    @property
    def takes_work(self) -> bool:
        """Whether a new request may go there."""
        return self.health is Health.ALIVE and self.state is NodeState.READY


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of the fleet: who serves it, and who of them takes work now.

    `could_serve` are nodes that have it on their disk and serve another; of a model that
    nobody serves, digest and context are not known.
    """

    name: str
    digest: str
    context_tokens: int
    nodes: tuple[str, ...]
    takes_work: tuple[str, ...]
    policy: ModelPolicy | None = None
    could_serve: tuple[str, ...] = ()
