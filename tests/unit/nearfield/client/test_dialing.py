from nearfield.client.dialing import direct
from tests.support.records import FRANKFURT


async def test_an_endpoint_is_dialled_as_it_is() -> None:
    assert await direct("10.0.0.1:7001", None) == "10.0.0.1:7001"
    assert await direct("10.0.0.1:7001", FRANKFURT) == "10.0.0.1:7001"
