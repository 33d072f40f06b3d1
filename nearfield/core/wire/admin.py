"""What operators see and ask."""

from nearfield.core.node import NodeView, ServedModel
from nearfield.core.wire.enums import HEALTHS, NODE_STATES, from_number
from nearfield.core.wire.node import (
    desired_from_wire,
    desired_to_wire,
    info_from_wire,
    info_to_wire,
    load_from_wire,
    load_to_wire,
)
from nearfield.core.wire.policy import model_policy_from_wire, model_policy_to_wire
from protos.nearfield.v1 import admin_pb2 as pb


def view_to_wire(view: NodeView) -> pb.NodeView:
    return pb.NodeView(
        info=info_to_wire(view.info),
        state=NODE_STATES[view.state],
        reason=view.reason,
        health=HEALTHS[view.health],
        load=load_to_wire(view.load),
        last_heard_seconds=view.heard,
        desired=desired_to_wire(view.desired),
        applied_revision=view.applied_revision,
    )


def view_from_wire(message: pb.NodeView) -> NodeView:
    return NodeView(
        info=info_from_wire(message.info),
        state=from_number(NODE_STATES, message.state, "state"),
        health=from_number(HEALTHS, message.health, "health"),
        reason=message.reason,
        load=load_from_wire(message.load),
        heard=message.last_heard_seconds,
        desired=desired_from_wire(message.desired),
        applied_revision=message.applied_revision,
    )


def model_to_wire(model: ServedModel) -> pb.ServedModel:
    policy = model_policy_to_wire(model.policy) if model.policy is not None else None
    return pb.ServedModel(
        name=model.name,
        digest=model.digest,
        context_tokens=model.context_tokens,
        nodes=model.nodes,
        takes_work=model.takes_work,
        policy=policy,
        could_serve=model.could_serve,
    )


def model_from_wire(message: pb.ServedModel) -> ServedModel:
    return ServedModel(
        name=message.name,
        digest=message.digest,
        context_tokens=message.context_tokens,
        nodes=tuple(message.nodes),
        takes_work=tuple(message.takes_work),
        policy=model_policy_from_wire(message.policy) if message.HasField("policy") else None,
        could_serve=tuple(message.could_serve),
    )
