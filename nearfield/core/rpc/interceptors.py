"""What happens around every call a server takes."""

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from nearfield.core.errors import InternalError, NearfieldError
from nearfield.core.rpc.status import abort

_log = logging.getLogger(__name__)


class TypedErrors(grpc.aio.ServerInterceptor):
    """Ends a failed call with one typed error.

    An exception that is no NearfieldError is a fault of ours: it is logged with its
    trace and the caller learns no more than that.
    """

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        """Wrap the handler of the kind the project writes; see grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        if handler.response_streaming:
            field = "stream_stream" if handler.request_streaming else "unary_stream"
            wrapped: Any = _wrap_stream(getattr(handler, field), method)
        else:
            field = "unary_unary"
            wrapped = _wrap_unary(handler.unary_unary, method)
        return handler._replace(**{field: wrapped})


def _wrap_unary(call: Callable[..., Any], method: str) -> Callable[..., Any]:
    async def unary(request: Any, context: Any) -> Any:
        try:
            return await call(request, context)
        except Exception as error:
            await _fail(context, error, method)

    return unary


def _wrap_stream(call: Callable[..., Any], method: str) -> Callable[..., Any]:
    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            answer = call(request, context)
            if inspect.isawaitable(answer):  # a handler that writes for itself
                await answer
                return
            async for message in answer:
                yield message
        except Exception as error:
            await _fail(context, error, method)

    return stream


async def _fail(context: Any, error: Exception, method: str) -> None:
    if isinstance(error, NearfieldError):
        await abort(context, error)
    if isinstance(error, grpc.aio.AbortError):
        raise error
    _log.error("%s failed", method, exc_info=error)
    await abort(context, InternalError(f"{method} failed inside the server"))
