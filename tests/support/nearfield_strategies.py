"""Hypothesis strategies for every value that travels on the wire."""

import string

from hypothesis import strategies as st

from nearfield.core.constraints import WORTH_MOST, Constraints, Preferences
from nearfield.core.geo import Position
from nearfield.core.inference import (
    Alternative,
    AttemptKind,
    ChatPrompt,
    Delta,
    Finished,
    FinishReason,
    Message,
    Provenance,
    Request,
    Sampling,
    TextPrompt,
    Timings,
    TokenLogprobs,
    TokenPrompt,
    Usage,
)
from nearfield.core.node import (
    Desired,
    Hardware,
    HardwareLoad,
    Health,
    Intake,
    KvCacheLoad,
    Model,
    NodeInfo,
    NodeLoad,
    NodeState,
    NodeView,
    ServedModel,
)
from nearfield.core.policy import ModelPolicy
from nearfield.core.prediction import Prediction, RoundTrip, RoundTripSource
from nearfield.core.prefix import (
    SECRET_BYTES_LEAST,
    SECRET_BYTES_MOST,
    PrefixKeys,
    PrefixSummary,
)
from nearfield.core.route import (
    Candidate,
    ExplainedNode,
    Explanation,
    Lease,
    Outcome,
    RouteQuery,
    Tier,
)

text = st.text(max_size=12)
label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
i32 = st.integers(-(2**31), 2**31 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
single = st.floats(width=32, allow_nan=False)
seconds = st.floats(0, 60)
texts = st.lists(text, max_size=3).map(tuple)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """A value, zero and absence included."""
    return st.none() | strategy


names = st.lists(st.text(min_size=1, max_size=12), max_size=3).map(tuple)
costs = maybe(st.floats(0, exclude_min=True, allow_infinity=False))
constraints = st.builds(Constraints, names, names, costs, names)
preferences = st.builds(Preferences, names, costs, names, st.floats(0, WORTH_MOST))
secrets = st.binary(min_size=SECRET_BYTES_LEAST, max_size=SECRET_BYTES_MOST)
prefixes = st.builds(PrefixKeys, label, st.lists(u64, max_size=4).map(tuple))
entries = st.lists(st.tuples(u64, u32), max_size=4).map(tuple)
summaries = st.builds(PrefixSummary, u64, u64, st.booleans(), entries)

positions = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))
prompts = st.one_of(
    st.builds(TextPrompt, text),
    st.builds(ChatPrompt, st.lists(st.builds(Message, text, text), max_size=3).map(tuple)),
    st.builds(TokenPrompt, st.lists(u32, max_size=5).map(tuple)),
)
samplings = st.builds(
    Sampling,
    temperature=maybe(st.just(0.0) | finite),
    top_p=maybe(finite),
    top_k=maybe(st.just(0) | i32),
    min_p=maybe(st.just(0.0) | finite),
    presence_penalty=maybe(finite),
    frequency_penalty=maybe(finite),
    repetition_penalty=maybe(finite),
    seed=maybe(st.just(0) | st.integers(-(2**63), 2**63 - 1)),
    max_tokens=maybe(st.just(0) | i32),
    min_tokens=maybe(st.just(0) | i32),
    logprobs=maybe(st.just(0) | i32),
    stop=texts,
    ignore_eos=maybe(st.booleans()),
)
requests = st.builds(
    Request,
    request_id=text,
    model=text,
    prompt=prompts,
    sampling=samplings,
    attempt=u32,
    attempt_kind=st.sampled_from(AttemptKind),
    model_digest=maybe(text),
    first_token_budget=maybe(st.just(0.0) | finite),
    constraints=constraints,
    preferences=preferences,
    origin=maybe(positions),
    ticket=text,
    prefix_secret=st.just(b"") | secrets,
)

models = st.builds(Model, text, text, u32, text)
hardwares = st.builds(Hardware, text, u32, u64, text, u32)
rates = st.floats(0, 1e12)
infos = st.builds(
    NodeInfo,
    name=label,
    incarnation=st.text(min_size=1, max_size=8),
    endpoint=st.text(min_size=1, max_size=8),
    pop=label,
    position=positions,
    jurisdiction=text,
    models=st.lists(models, max_size=2).map(tuple),
    provider=text,
    hardware=hardwares,
    version=text,
    cost_per_hour=rates,
    core=st.booleans(),
    local_models=texts,
)
loads = st.builds(
    NodeLoad,
    running=u32,
    waiting=u32,
    waiting_prompt_tokens=u64,
    slots=u32,
    kv_cache=st.builds(KvCacheLoad, st.floats(0, 1), u64, u32, u64, u64, u64, u64),
    prefill_tokens_per_second=rates,
    decode_tokens_per_second=rates,
    base_seconds=rates,
    steps=u64,
    hardware=st.builds(
        HardwareLoad, st.floats(0, 1), u64, u64, maybe(st.just(0.0) | st.floats(-50, 150))
    ),
    bytes_per_token=rates,
    service_seconds=rates,
    ramp=st.floats(0, 1, exclude_min=True),
)
desireds = st.builds(Desired, u64, st.sampled_from(Intake), u64, text, text, text)
views = st.builds(
    NodeView,
    infos,
    st.sampled_from(NodeState),
    st.sampled_from(Health),
    text,
    loads,
    seconds,
    desireds,
    u64,
)
model_policies = st.builds(
    ModelPolicy,
    st.text(min_size=1, max_size=8),
    st.lists(label, max_size=3, unique=True).map(tuple),
)
served_models = st.builds(ServedModel, text, text, u32, texts, texts, maybe(model_policies), texts)

timings = st.builds(Timings, seconds, seconds, seconds, seconds)
provenances = st.builds(Provenance, text, text, text, text, text, u32, u32)
alternatives = st.lists(st.builds(Alternative, u32, single, text), max_size=2).map(tuple)
deltas = st.builds(
    Delta,
    seq=u32,
    token_ids=st.lists(u32, max_size=4).map(tuple),
    text=text,
    logprobs=st.lists(st.builds(TokenLogprobs, single, alternatives), max_size=2).map(tuple),
    provenance=maybe(provenances),
    timings=maybe(timings),
)
finisheds = st.builds(
    Finished, st.sampled_from(FinishReason), st.builds(Usage, u32, u32, u32), timings, loads, text
)
events = deltas | finisheds

tiers = st.sampled_from(Tier)
ttfts = st.floats(0, 3600)
outcomes = st.builds(Outcome, text, ttfts, ttfts, tiers)
measured = st.builds(RoundTrip, seconds, st.just(RoundTripSource.MEASURED), seconds)
trips = st.builds(RoundTrip, seconds, st.sampled_from(RoundTripSource), seconds)
queries = st.builds(
    RouteQuery,
    model=text,
    origin=maybe(positions),
    constraints=constraints,
    preferences=preferences,
    round_trips=st.dictionaries(text, measured, max_size=3),
    excluded_nodes=st.frozensets(text, max_size=3),
    prefix=maybe(prefixes),
    prompt_size=u64,
    outcomes=st.lists(outcomes, max_size=3).map(tuple),
    token=text,
    early=st.booleans(),
)
predictions = st.builds(Prediction, trips, seconds, seconds, seconds, seconds, seconds, seconds)
candidates = st.builds(
    Candidate,
    node=text,
    incarnation=text,
    endpoint=text,
    pop=text,
    jurisdiction=text,
    position=positions,
    model_digest=text,
    prediction=predictions,
    load=loads,
    load_age=seconds,
    weight=st.floats(0, 1),
    tier=tiers,
    prefix_hints=st.dictionaries(u64, u32, max_size=3),
)
leases = st.builds(
    Lease,
    lease_id=text,
    ttl=seconds,
    model=text,
    candidates=st.lists(candidates, max_size=2).map(tuple),
    map_revision=u64,
    renew_after=seconds,
    ticket=text,
    ticket_ttl=seconds,
)
explained_nodes = st.builds(ExplainedNode, candidates, u32, text, text, st.floats(0, 21_000))
explanations = st.builds(Explanation, text, st.lists(explained_nodes, max_size=2).map(tuple), u64)
