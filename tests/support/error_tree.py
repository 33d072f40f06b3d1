"""Every class of the error tree, found by walking it."""

from nearfield.core.errors import NearfieldError


def _with_children(kind: type[NearfieldError]) -> list[type[NearfieldError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _with_children(child))]


ALL = _with_children(NearfieldError)
