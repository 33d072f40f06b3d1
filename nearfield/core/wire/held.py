"""What the protocol's types cannot hold, as an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from nearfield.core.errors import InvalidRequest


@contextmanager
def held(field: str) -> Iterator[None]:
    """Raise InvalidRequest naming a field that cannot be written.

    Numbers of more than 32 bits and text that is no UTF-8 raise ValueErrors in protobuf.
    """
    try:
        yield
    except ValueError as error:
        raise InvalidRequest(
            f"{field}: {error}", field=field, limit="the protocol's types"
        ) from None
