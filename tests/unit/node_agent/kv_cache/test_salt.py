from node_agent.kv_cache.salt import cache_salt

SECRET = b"s" * 32


def test_a_group_shares_across_tenants_and_a_tenant_alone_does_not() -> None:
    assert cache_salt(SECRET, "a", "g") == cache_salt(SECRET, "b", "g")
    assert cache_salt(SECRET, "a", "") != cache_salt(SECRET, "b", "")
    assert cache_salt(SECRET, "a", "") == cache_salt(SECRET, "a", "")


def test_a_tenant_and_a_group_of_one_name_stay_apart() -> None:
    assert cache_salt(SECRET, "a", "") != cache_salt(SECRET, "", "a")


def test_no_two_names_are_confused() -> None:
    names = ["", "a", "group", "tenant", "\0", "\0a", "a\0", "group\0a", "tenant\0a"]
    salts = {cache_salt(SECRET, name, "") for name in names}
    salts |= {cache_salt(SECRET, "any", name) for name in names if name}
    assert len(salts) == 2 * len(names) - 1


def test_two_nodes_give_one_tenant_different_salts() -> None:
    one, other = (cache_salt(secret, "a", "") for secret in (SECRET, b"t" * 32))
    assert one != other
    assert len(bytes.fromhex(one)) == len(bytes.fromhex(other)) == 32
