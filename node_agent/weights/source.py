"""Which files a setting means."""

from node_agent import demo_model

DEMO = "demo"


def resolve(path: str) -> str:
    """Return the directory or hub name to load; `demo` is the model that comes along."""
    return str(demo_model.PATH) if path == DEMO else path


def served_name(path: str, name: str) -> str:
    """Return the name clients ask for: as set, else the last part of the path."""
    return name or path.rstrip("/").rpartition("/")[2]
