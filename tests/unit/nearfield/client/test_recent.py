from nearfield.client.recent import Recent


def test_what_was_put_longest_ago_is_forgotten_first() -> None:
    recent: Recent[str, int] = Recent(2)
    for name in ("a", "b", "a", "c"):
        recent.put(name, 1)
    assert list(recent) == ["a", "c"]
