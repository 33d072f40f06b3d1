"""The few endpoints of Consul's HTTP API that the directory needs.

Not py-consul: it sends no token with `txn` and sets no time limit per call.
"""

import asyncio
import base64
import itertools
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

import aiohttp
from yarl import URL

from nearfield.core.errors import ConfigError, DirectoryUnavailable
from nearfield.core.retry import Backoff

BACKOFF = Backoff(first=0.1, most=1.0)
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key as it stands; `index` is what a write compares to see that it still does."""

    key: str
    value: bytes
    index: int


class ConsulHttp:
    """One agent or server of Consul at HOST:PORT, http://… or https://….

    Every call has `seconds` in all. Within them it is repeated, as often as it fails for
    a reason that may pass, so calls must bear being made twice; then, or at once for any
    other refusal, it raises DirectoryUnavailable.
    """

    def __init__(self, address: str, token: str | None, seconds: float) -> None:
        self._base = _parse_address(address)
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["X-Consul-Token"] = token
        self._seconds = seconds
        self._rng = random.Random()
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, params: Mapping[str, str] = _NONE) -> bytes:
        """Return the body."""
        status, body = await self._call("GET", path, params)
        self._expect(status == 200, status, body)
        return body

    async def keys(self, prefix: str) -> list[KeyValue]:
        """Return every key that starts with `prefix`."""
        return await self._key_values(prefix, {"recurse": "true"})

    async def key(self, key: str) -> KeyValue | None:
        """Return one key; None where it is not set."""
        return next(iter(await self._key_values(key, _NONE)), None)

    async def put_key(self, key: str, value: bytes, index: int) -> bool:
        """Set a key if its index still is `index`, 0 for one that is not set."""
        params = {"cas": str(index)}
        status, body = await self._call("PUT", f"/v1/kv/{quote(key)}", params, value)
        self._expect(status == 200, status, body)
        return body.strip() == b"true"

    async def txn(self, operations: bytes) -> str:
        """Run a JSON list of operations, all or none; returns why none was, or nothing."""
        status, body = await self._call("PUT", "/v1/txn", _NONE, operations)
        if status == 409:
            return "; ".join(error["What"] for error in json.loads(body)["Errors"])
        self._expect(status == 200, status, body)
        return ""

    async def aclose(self) -> None:
        """Close the connections; twice is once."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _key_values(self, key: str, params: Mapping[str, str]) -> list[KeyValue]:
        status, body = await self._call("GET", f"/v1/kv/{quote(key)}", params)
        if status == 404:
            return []
        self._expect(status == 200, status, body)
        return [
            KeyValue(row["Key"], base64.b64decode(row["Value"] or ""), row["ModifyIndex"])
            for row in json.loads(body)
        ]

    async def _call(
        self, method: str, path: str, params: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        trouble = f"no answer in {self._seconds:g} s"
        try:
            async with asyncio.timeout(self._seconds):
                for attempt in itertools.count():
                    try:
                        status, answer = await self._once(method, path, params, body)
                    except aiohttp.ClientError as error:
                        trouble = str(error)
                    else:
                        # 5xx: Consul has no leader; 429: it limits the rate
                        if status < 500 and status != 429:
                            return status, answer
                        trouble = _describe(status, answer)
                    await asyncio.sleep(BACKOFF.delay(attempt, self._rng))
        except TimeoutError:
            pass
        raise DirectoryUnavailable(f"Consul at {self._base}: {trouble}", field="directory")

    async def _once(
        self, method: str, path: str, params: Mapping[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        if self._session is None:
            # the limit of a call is ours: it spans all of its attempts
            unlimited = aiohttp.ClientTimeout(total=None)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=unlimited)
        url = URL(f"{self._base}{path}", encoded=True).with_query(params)
        async with self._session.request(method, url, data=body) as answer:
            return answer.status, await answer.read()

    def _expect(self, held: bool, status: int, body: bytes) -> None:
        if not held:
            reason = _describe(status, body)
            raise DirectoryUnavailable(f"Consul at {self._base}: {reason}", field="directory")


def _parse_address(address: str) -> str:
    try:
        url = URL(address if "://" in address else f"http://{address}")
        known = url.scheme in ("http", "https") and url.host
    except ValueError:
        known = False
    if not known:
        limit = "HOST:PORT, http://HOST:PORT or https://HOST:PORT"
        raise ConfigError(
            f"'{address}' is no address of Consul; write {limit}", field="directory", limit=limit
        )
    return f"{url.origin()}{url.raw_path.rstrip('/')}"


def _describe(status: int, body: bytes) -> str:
    return f"{status} {body.decode(errors='replace').strip()}"
