"""Which models the fleet serves."""

from collections.abc import Iterable

from nearfield.core.node import Health, Model, NodeView, ServedModel


def served_models(views: Iterable[NodeView]) -> tuple[ServedModel, ...]:
    """Return each model, by name and digest, with who serves it and who takes work."""
    serving: dict[Model, list[NodeView]] = {}
    for view in views:
        if view.health is not Health.LEFT:
            for model in view.info.models:
                serving.setdefault(model, []).append(view)
    return tuple(
        ServedModel(
            name=model.name,
            digest=model.digest,
            context_tokens=model.context_tokens,
            nodes=tuple(view.info.name for view in nodes),
            takes_work=tuple(view.info.name for view in nodes if view.takes_work),
        )
        for model, nodes in sorted(serving.items(), key=lambda item: (item[0].name, item[0].digest))
    )
