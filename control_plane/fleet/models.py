"""Which models the fleet serves, could serve, or is to serve."""

from collections.abc import Iterable, Sequence

from nearfield.core.node import Health, Model, NodeView, ServedModel
from nearfield.core.policy import ModelPolicy


def served_models(
    views: Iterable[NodeView], policies: Sequence[ModelPolicy] = ()
) -> tuple[ServedModel, ...]:
    """Return each model, by name and digest, with who serves it, who takes work and who could.

    A model that lies on a disk or has a policy, and that nobody serves, has no digest.
    """
    present = [view for view in views if view.health is not Health.LEFT]
    serving: dict[Model, list[NodeView]] = {}
    for view in present:
        for model in view.info.models:
            serving.setdefault(model, []).append(view)
    wanted = {policy.model: policy for policy in policies}
    local = {name for view in present for name in view.info.local_models}
    idle = (local | wanted.keys()) - {model.name for model in serving}
    serving |= {Model(name, digest="", context_tokens=0, dtype=""): [] for name in idle}
    return tuple(
        ServedModel(
            name=model.name,
            digest=model.digest,
            context_tokens=model.context_tokens,
            nodes=tuple(view.info.name for view in nodes),
            takes_work=tuple(view.info.name for view in nodes if view.takes_work),
            policy=wanted.get(model.name),
            could_serve=_could_serve(model.name, present),
        )
        for model, nodes in sorted(serving.items(), key=lambda item: (item[0].name, item[0].digest))
    )


def _could_serve(model: str, views: Iterable[NodeView]) -> tuple[str, ...]:
    return tuple(
        view.info.name
        for view in views
        if model in view.info.local_models
        and all(served.name != model for served in view.info.models)
    )
