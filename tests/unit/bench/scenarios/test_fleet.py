from pathlib import Path

from bench.scenarios.fleet import SERVED_NAME, Served, node_settings, tls_settings, write_settings
from nearfield.core.rpc.tls import PLAINTEXT, ClientTls
from nearfield.local.authority import prepare_tls
from node_agent.settings import NodeSettings

SERVED = Served('/models/a "b" \\ é', random_weights=True, slots=7, cache_bytes=12345)


def test_the_node_reads_back_what_every_system_has_to_run(tmp_path: Path) -> None:
    files = prepare_tls(tmp_path / "tls")
    values = {**node_settings(SERVED, "127.0.0.1:1"), "control_planes": ["127.0.0.1:2"]}
    values |= tls_settings(files)
    settings = NodeSettings.load(write_settings(tmp_path / "node.toml", values))
    assert settings.model.path == SERVED.model
    assert settings.model.name == SERVED_NAME
    assert settings.model.random_weights is True
    assert settings.model.dtype == SERVED.dtype
    assert settings.model.context_tokens == SERVED.context_tokens
    assert settings.engine.slots == 7
    assert settings.kv_cache.memory_bytes == 12345
    assert settings.kv_cache.block_tokens == SERVED.block_tokens
    assert settings.kv_cache.gpu_memory_share == SERVED.gpu_memory_share
    assert settings.kv_cache.prefix_caching is True
    assert settings.engine.compile is False
    assert settings.control_planes == ("127.0.0.1:2",)
    assert settings.tls.client_security() == ClientTls(files.authority.read_bytes())
    assert settings.tls.server_security(settings.listen) != PLAINTEXT


def test_only_the_owner_reads_settings_with_the_join_token(tmp_path: Path) -> None:
    path = write_settings(tmp_path / "plane.toml", {"join_token": "secret"})
    assert path.stat().st_mode & 0o777 == 0o600
