from bench.scenarios.policy.cache import PrefixCache


def test_a_cache_forgets_the_end_of_the_chain_used_longest_ago() -> None:
    cache = PrefixCache(5)
    cache.store((1, 2, 3))
    cache.store((7, 8, 9))
    assert len(cache) == 5
    assert (cache.leading((1, 2, 3)), cache.leading((7, 8, 9))) == (2, 3)
    cache.store((1, 2))
    cache.store((20, 21))
    assert (cache.leading((1, 2)), cache.leading((7, 8, 9))) == (2, 1)


def test_a_chain_longer_than_the_cache_keeps_its_start() -> None:
    cache = PrefixCache(2)
    cache.store((1, 2, 3))
    assert cache.leading((1, 2, 3)) == 2
