"""Settings of a node agent: a TOML file, `NEARFIELD_NODE_…` variables over it."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from nearfield.core.errors import ConfigError
from nearfield.core.settings import ProcessSettings, Section
from node_agent.kv_cache.settings import KvCacheSettings
from node_agent.weights.source import served_name

LOCAL_MODELS_MOST = 16


class ModelSettings(Section):
    """What is served."""

    path: str = "demo"
    """A local Hugging Face directory or a hub name; `demo` is the model that comes along."""
    name: str = ""
    """Name clients ask for; empty takes the last part of `path`."""
    dtype: str = "auto"
    """Form of the weights: auto, bfloat16, float16 or float32."""
    context_tokens: int = Field(default=0, ge=0)
    """Longest prompt and answer together; 0 takes the model's own."""
    random_weights: bool = False
    """Make weights up from the configuration alone; for checks of speed, never to serve."""

    @property
    def served_name(self) -> str:
        """The name clients ask for."""
        return served_name(self.path, self.name)


class EngineSettings(Section):
    """How it is run."""

    slots: int = Field(default=0, ge=0)
    """Requests in one batch. 0: 256 on a GPU, 16 on a CPU. Lower it when the time per token
    suffers."""
    queue: int = Field(default=64, ge=0)
    """Requests that may wait for a slot; beyond them a request is rejected at once."""
    compile: bool | None = None
    """torch.compile and, on a GPU, graphs: 1.4 times the throughput on a CPU, for 8 s more of
    start. Unset: on a GPU yes, on a CPU no."""
    allow_vulnerable_vllm: bool = False
    """Serve with a vLLM older than 0.32.0, which has known faults in template rendering and
    remote code trust. Only for models and prompts you trust."""


class NodeSettings(ProcessSettings):
    """One node."""

    model_config = SettingsConfigDict(env_prefix="NEARFIELD_NODE_")

    name: str
    """Unique in the fleet; letters, digits and hyphens."""
    pop: str
    """Point of presence, such as fra1."""
    position: str
    """LAT,LON in degrees."""
    jurisdiction: str = ""
    """Whose law holds here, such as eu; requests may be bound to some."""
    provider: str = ""
    """Who runs the hardware."""
    cost_per_hour: float = Field(default=0.0, ge=0.0)
    """What the host costs, in one currency for the fleet; 0 states nothing, and fails a cap."""
    core: bool = False
    """Of the core region, which takes what the edge has no room for."""
    listen: str = "0.0.0.0:7600"
    """Address of the Inference service; port 0 takes a free one."""
    advertise: str = ""
    """host:port that clients reach it by; empty is `listen`."""
    control_planes: tuple[str, ...] = ()
    """host:port of every control-plane replica; empty serves alone."""
    join_token: str = ""
    """The fleet's shared secret; better in NEARFIELD_NODE_JOIN_TOKEN than in a file."""
    drain_seconds: float = Field(default=20.0, ge=0.0)
    """How long SIGTERM lets admitted requests finish."""
    model: ModelSettings = ModelSettings()
    models: tuple[ModelSettings, ...] = Field(default=(), max_length=LOCAL_MODELS_MOST)
    """Other models this node could serve instead, one at a time; their files are on its disk."""
    engine: EngineSettings = EngineSettings()
    kv_cache: KvCacheSettings = KvCacheSettings()

    @model_validator(mode="after")
    def _check_models(self) -> Self:
        names = [one.served_name for one in (self.model, *self.models)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two local models are named '{twice[0]}'; give one another name")
        return self

    @property
    def local_models(self) -> tuple[ModelSettings, ...]:
        """All models of this node, that which it is set up with first."""
        return self.models if self.model in self.models else (self.model, *self.models)

    @property
    def local_model_names(self) -> tuple[str, ...]:
        """The names of all its models; none where it has no choice."""
        return tuple(one.served_name for one in self.local_models) if self.models else ()

    def serving(self, name: str) -> Self:
        """Return these settings with another local model to serve; an empty name is as set up.

        Raises ConfigError for a name that none of them has.
        """
        local = {one.served_name: one for one in self.local_models}
        if name and name not in local:
            known = ", ".join(local)
            raise ConfigError(f"'{name}' is not one of {known}", field="serve", limit=known)
        if not name or not self.models:
            return self
        return self.model_copy(update={"model": local[name], "models": tuple(local.values())})
