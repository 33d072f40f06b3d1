from nearfield.core.inference import ChatPrompt, Message, Prompt, TextPrompt
from nearfield.core.prefix import STEP_BYTES, PrefixSecret, canonical, continued
from node_agent.kv_cache.blocks import BlocksCleared
from node_agent.prefixes import Prefixes
from tests.support.kv_builders import BLOCK, removed, stored

SECRET = b"a secret of a tenant's"
TEXT = TextPrompt("x" * 1024)
IDS = tuple(range(256))
"""Four bytes a token: a key covers 64 tokens, of which a first sighting claims nine tenths."""
ONE_KEY = 14 * BLOCK


def holding(salt: str = "") -> Prefixes:
    """Prefixes of an engine that holds IDS."""
    prefixes = Prefixes(BLOCK, 4096)
    prefixes.take(stored(IDS, salt))
    return prefixes


def keys(prompt: Prompt) -> tuple[int, ...]:
    return PrefixSecret(SECRET).keys(canonical(prompt)).keys


def test_tenants_and_groups_have_salts_of_their_own() -> None:
    prefixes = Prefixes(BLOCK, 4096)
    salts = [("acme", ""), ("other", ""), ("", "readers"), ("readers", "")]
    assert len({prefixes.salt(*one) for one in salts}) == 4


def test_a_groups_members_share_one_salt() -> None:
    prefixes = Prefixes(BLOCK, 4096)
    assert prefixes.salt("acme", "readers") == prefixes.salt("other", "readers")


def test_no_two_nodes_salt_alike() -> None:
    assert Prefixes(BLOCK, 4096).salt("acme", "") != Prefixes(BLOCK, 4096).salt("acme", "")


def test_a_noted_prompts_keys_tell_how_much_of_it_is_resident() -> None:
    prefixes = holding()
    prefixes.note_prompt(SECRET, TEXT, IDS, "")
    first, *deeper = keys(TEXT)
    assert set(prefixes.hot()) == {first, *deeper}
    assert prefixes.hot()[first] == ONE_KEY


def test_what_is_resident_under_another_salt_is_not_reported() -> None:
    prefixes = holding("another's")
    prefixes.note_prompt(SECRET, TEXT, IDS, "mine")
    assert prefixes.hot() == {}
    assert prefixes.resident_tokens(IDS, "mine") == 0
    assert prefixes.resident_tokens(IDS, "another's") == len(IDS)


def test_a_turn_behind_the_answer_is_known_once_the_answer_has_ended() -> None:
    prefixes = holding()
    prompt = ChatPrompt((Message("user", "x" * 500),))
    answer = "y" * 500
    next_turn = PrefixSecret(SECRET).keys(continued(prompt, answer, IDS)).keys
    prefixes.note_prompt(SECRET, prompt, IDS[:128], "")
    assert set(prefixes.hot()) == set(next_turn[:1])
    prefixes.note_answer(SECRET, prompt, answer, IDS, "")
    assert set(prefixes.hot()) == set(next_turn)
    longer = ChatPrompt((*prompt.messages, Message("assistant", answer), Message("user", "more")))
    assert keys(longer)[: len(next_turn)] == next_turn


def test_what_the_engine_found_cached_bounds_what_is_claimed() -> None:
    prefixes = holding()
    prefixes.note_prompt(SECRET, TEXT, IDS, "")
    noted = prefixes.note_prompt(SECRET, TEXT, IDS, "")
    assert noted is not None
    prefixes.correct(noted, 2 * BLOCK)
    assert set(prefixes.hot().values()) == {2 * BLOCK}


def test_without_a_secret_nothing_is_noted() -> None:
    prefixes = holding()
    prefixes.note_prompt(b"", TEXT, IDS, "")
    prefixes.note_answer(b"", TEXT, "y" * 512, IDS, "")
    assert prefixes.hot() == {}


def test_a_prompt_too_short_for_a_key_is_not_noted() -> None:
    prefixes = holding()
    prefixes.note_prompt(SECRET, TextPrompt("x" * (STEP_BYTES - 1)), IDS, "")
    assert prefixes.hot() == {}
    prefixes.note_prompt(SECRET, TextPrompt("x" * STEP_BYTES), IDS, "")
    assert len(prefixes.hot()) == 1


def test_an_engine_without_a_cache_holds_nothing() -> None:
    prefixes = Prefixes(0, 4096)
    assert prefixes.note_prompt(SECRET, TEXT, IDS, "") is None
    assert not prefixes.enabled
    assert prefixes.resident_tokens(IDS, "") == 0
    assert prefixes.hot() == {}


def test_resident_tokens_are_whole_blocks_from_the_start() -> None:
    prefixes = holding()
    assert prefixes.resident_tokens(IDS[:7], "") == BLOCK
    prefixes.take(removed(IDS, first=2, last=3))
    assert prefixes.resident_tokens(IDS, "") == 2 * BLOCK


def test_a_prompt_is_covered_when_all_its_full_blocks_are_resident() -> None:
    prefixes = holding()
    assert prefixes.covers((*IDS, 1, 2, 3), "")
    assert not prefixes.covers((*IDS, 1, 2, 3, 4), "")
    prefixes.take(removed(IDS, first=63))
    assert not prefixes.covers(IDS, "")


def test_a_cleared_cache_and_lost_events_leave_nothing_resident() -> None:
    for forget in (lambda one: one.take(BlocksCleared()), lambda one: one.lost()):
        prefixes = holding()
        prefixes.note_prompt(SECRET, TEXT, IDS, "")
        forget(prefixes)
        assert prefixes.hot() == {}
        assert not prefixes.covers(IDS, "")


def test_the_report_keeps_to_its_budget() -> None:
    prefixes = Prefixes(BLOCK, byte_budget=24)
    prefixes.take(stored(IDS))
    prefixes.note_prompt(SECRET, TEXT, IDS, "")
    assert len(prefixes.hot()) == 2
