"""Wires a control-plane replica; tests wire through it too."""

from control_plane.api import admin, fleet, routing
from control_plane.directory.base import Directory
from control_plane.directory.consul import ConsulDirectory
from control_plane.directory.memory import MemoryDirectory
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.links import NodeLinks
from control_plane.fleet.registry import Registry
from control_plane.plane import Plane
from control_plane.settings import DirectorySettings, PlaneSettings
from control_plane.telemetry import PlaneTelemetry
from nearfield.core.clock import Clock, monotonic
from nearfield.core.identity import new_id
from nearfield.core.rpc.server import RpcServer
from nearfield.core.telemetry import Telemetry
from protos.nearfield.v1 import admin_pb2_grpc, fleet_pb2_grpc, routing_pb2_grpc


def build_plane(settings: PlaneSettings, telemetry: Telemetry, clock: Clock = monotonic) -> Plane:
    """Return a replica that is ready to run; nothing listens yet."""
    directory = build_directory(settings.directory)
    registry = Registry(clock)
    desired = DesiredStates(directory, registry)
    links = NodeLinks(registry, desired, replica_id=new_id("plane"), join_token=settings.join_token)
    public = RpcServer(settings.listen, (routing.SERVICE, fleet.SERVICE))
    routing_pb2_grpc.add_RoutingServicer_to_server(
        routing.RoutingService(registry, PlaneTelemetry(telemetry, registry)), public.grpc
    )
    fleet_pb2_grpc.add_FleetServicer_to_server(fleet.FleetService(links), public.grpc)
    operators = RpcServer(settings.admin_listen, (admin.SERVICE,))
    admin_pb2_grpc.add_AdminServicer_to_server(
        admin.AdminService(registry, desired), operators.grpc
    )
    return Plane(directory, registry, desired, public, operators)


def build_directory(settings: DirectorySettings) -> Directory:
    """Return Consul where an address is given, else the embedded directory."""
    if settings.consul:
        return ConsulDirectory(settings.consul, settings.consul_token or None)
    return MemoryDirectory(settings.file)
