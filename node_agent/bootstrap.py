"""Wires a node agent; tests wire through it too, with another engine."""

import time

from nearfield.core.clock import monotonic
from nearfield.core.errors import ConfigError
from nearfield.core.identity import new_id
from nearfield.core.node import NodeInfo
from nearfield.core.rpc.server import RpcServer
from nearfield.core.settings import position
from nearfield.core.telemetry import Telemetry
from node_agent.admission.tickets import TicketGate, TrustStore
from node_agent.agent import Agent
from node_agent.answers import Answers
from node_agent.engine.base import Engine
from node_agent.hardware.probe import Probe
from node_agent.intake import Intake
from node_agent.link.loop import Link
from node_agent.load import LoadMeter
from node_agent.prefixes import Prefixes
from node_agent.prewarm import Prewarm
from node_agent.ramp import Ramp
from node_agent.rates import Rates
from node_agent.reporter import NodeReporter
from node_agent.service import SERVICE, InferenceService
from node_agent.settings import NodeSettings
from node_agent.slow_start import SlowStart
from node_agent.switching import ModelSwitch
from node_agent.telemetry import ServerTelemetry, publish_load
from node_agent.workload import Workload
from protos.nearfield.v1 import inference_pb2_grpc

VERSION = "0.1.0"
_WILDCARDS = ("", "0.0.0.0", "[::]")


def build_agent(
    settings: NodeSettings, engine: Engine, probe: Probe, telemetry: Telemetry
) -> Agent:
    """Return an agent that is ready to run; nothing listens yet."""
    info = node_info(settings, engine, probe)
    linked = bool(settings.control_planes)
    workload, rates, ramp = Workload(), Rates(), Ramp()
    rates.begin_with(engine.info.prefills)
    intake = Intake(
        workload, engine.clear_prefix_cache, starting=linked, switch=ModelSwitch.of(settings)
    )
    meter = LoadMeter(engine, workload, rates, probe, ramp)
    prefixes = Prefixes(engine.info.block_tokens, settings.kv_cache.report_bytes)
    engine.follow_cache(prefixes)
    prewarm = Prewarm(engine, info, prefixes, workload)
    trusted = TrustStore(monotonic)
    answers = Answers(
        engine,
        info,
        intake,
        workload,
        rates,
        meter,
        TicketGate(trusted, required=linked, wall=time.time),
        prefixes,
        queue=settings.engine.queue,
    )
    publish_load(telemetry, meter.read)
    models = frozenset(model.name for model in info.models)
    server = RpcServer(settings.listen, (SERVICE,), settings.tls.server_security(settings.listen))
    inference_pb2_grpc.add_InferenceServicer_to_server(
        InferenceService(answers, ServerTelemetry(telemetry, models), server.leaving), server.grpc
    )
    reporter = NodeReporter(info, intake, meter, prefixes, prewarm, trusted)
    trust = settings.tls.client_security()
    links = [
        Link(address, reporter, settings.join_token, intake.apply, trust)
        for address in settings.control_planes
    ]
    slow_start = SlowStart(prewarm, intake, ramp, linked=linked)
    return Agent(
        engine, server, links, intake, workload, slow_start, drain_seconds=settings.drain_seconds
    )


def node_info(settings: NodeSettings, engine: Engine, probe: Probe) -> NodeInfo:
    """Return what the fleet is told of this run of the agent."""
    return NodeInfo(
        name=settings.name,
        incarnation=new_id("run"),
        endpoint=_endpoint(settings),
        pop=settings.pop,
        position=position(settings.position),
        jurisdiction=settings.jurisdiction,
        models=(engine.info.model,),
        provider=settings.provider,
        hardware=probe.identify(),
        version=VERSION,
        cost_per_hour=settings.cost_per_hour,
        core=settings.core,
        local_models=settings.local_model_names,
    )


def _endpoint(settings: NodeSettings) -> str:
    """The address clients dial; one that only means something here must not be advertised."""
    endpoint = settings.advertise or settings.listen
    host, _, port = endpoint.rpartition(":")
    if settings.control_planes and (host in _WILDCARDS or not port.isdigit() or int(port) == 0):
        raise ConfigError(
            f"clients cannot dial '{endpoint}'; set advertise to the host:port that reaches this "
            "node",
            field="advertise",
            limit="host:port",
        )
    return endpoint
