"""Wires a control-plane replica; tests wire through it too."""

import random
import time

from control_plane.api import admin, fleet, routing
from control_plane.directory.base import Directory
from control_plane.directory.consul import ConsulDirectory
from control_plane.directory.memory import MemoryDirectory
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.links import NodeLinks
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from control_plane.fleet.residency import PrefixIndex
from control_plane.placement.demand import Demand
from control_plane.placement.loop import Placement
from control_plane.plane import Plane
from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Networks
from control_plane.routing.router import Router
from control_plane.settings import DirectorySettings, PlaneSettings
from control_plane.telemetry import PlaneTelemetry
from control_plane.tickets.issuer import TicketIssuer
from control_plane.tickets.keyring import KeyRing
from control_plane.tickets.tenants import Tenant, Tenants
from nearfield.core.clock import Clock, monotonic
from nearfield.core.identity import new_id
from nearfield.core.rpc.server import RpcServer
from nearfield.core.telemetry import Telemetry
from nearfield.core.trust import Trust
from protos.nearfield.v1 import admin_pb2_grpc, fleet_pb2_grpc, routing_pb2_grpc


def build_plane(settings: PlaneSettings, telemetry: Telemetry, clock: Clock = monotonic) -> Plane:
    """Return a replica that is ready to run; nothing listens yet."""
    directory = build_directory(settings.directory)
    registry = Registry(clock)
    desired = DesiredStates(directory, registry)
    policies = Policies(directory)
    keyring = KeyRing(clock)
    index, demand = PrefixIndex(), Demand(clock)

    def epoch() -> int:
        return policies.current.ticket_epoch

    links = NodeLinks(
        registry,
        desired,
        policies,
        index,
        lambda: Trust(keyring.public(), epoch()),
        replica_id=new_id("plane"),
        join_token=settings.join_token,
    )
    routes = routing.RoutingService(
        build_router(registry, index, clock),
        TicketIssuer(keyring, build_tenants(settings), time.time),
        demand,
        PlaneTelemetry(telemetry, registry),
        epoch,
    )
    public = RpcServer(
        settings.listen,
        (routing.SERVICE, fleet.SERVICE),
        settings.tls.server_security(settings.listen),
    )
    routing_pb2_grpc.add_RoutingServicer_to_server(routes, public.grpc)
    fleet_pb2_grpc.add_FleetServicer_to_server(fleet.FleetService(links), public.grpc)
    operators = RpcServer(
        settings.admin_listen,
        (admin.SERVICE,),
        settings.tls.server_security(settings.admin_listen),
    )
    admin_pb2_grpc.add_AdminServicer_to_server(
        admin.AdminService(registry, desired, policies), operators.grpc
    )
    placement = Placement(registry, desired, policies, demand, clock)
    return Plane(
        directory, registry, desired, policies, keyring, placement, public=public, admin=operators
    )


def build_router(registry: Registry, index: PrefixIndex, clock: Clock) -> Router:
    """Return a router that follows the registry."""
    fleet_map = RoutingMap()
    registry.observe(fleet_map)
    return Router(fleet_map, index, Networks(), clock, random.Random())


def build_tenants(settings: PlaneSettings) -> Tenants:
    """Return the tenants of the settings."""
    by_token = {
        tenant.token: Tenant(name, tenant.group) for name, tenant in settings.tenants.items()
    }
    return Tenants(by_token, settings.anonymous)


def build_directory(settings: DirectorySettings) -> Directory:
    """Return Consul where an address is given, else the embedded directory."""
    if settings.consul:
        return ConsulDirectory(settings.consul, settings.consul_token or None)
    return MemoryDirectory(settings.file)
