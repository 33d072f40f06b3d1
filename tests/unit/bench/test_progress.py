import io

from rich.console import Console

from bench.progress import LINE_EVERY, Tally, watch
from bench.sample import Sample, SampleOutcome


class HandClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def plain() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=200)


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_tally_counts_starts_ends_and_the_median_ttft() -> None:
    tally = Tally(total=10)
    for _ in range(6):
        tally.note(None)
    for ttft in (0.3, 0.04, 0.041):
        tally.note(Sample(first_token=ttft))
    tally.note(Sample(outcome=SampleOutcome.REJECTED))
    tally.note(Sample(outcome=SampleOutcome.FAILED))
    assert str(tally) == ("5/10 done, 1 in flight, 3 ok, 1 rejected, 1 failed, TTFT p50 41 ms")


def test_the_median_is_unknown_before_the_first_token() -> None:
    assert str(Tally(total=1)).endswith("TTFT p50 unknown")


def test_without_a_terminal_a_line_comes_every_few_seconds() -> None:
    console, clock = plain(), HandClock()
    with watch(100, console=console, clock=clock) as note:
        for _ in range(100):
            clock.now += LINE_EVERY / 25
            note(None)
            note(Sample(first_token=0.02))
        assert 3 <= len(lines(console)) <= 4
    assert lines(console)[-1].startswith("100/100 done, 0 in flight, 100 ok")


def test_a_short_run_still_says_how_it_ended() -> None:
    console = plain()
    with watch(1, console=console, clock=HandClock()) as note:
        note(None)
    assert lines(console) == ["0/1 done, 1 in flight, 0 ok, 0 rejected, 0 failed, TTFT p50 unknown"]


def test_a_terminal_gets_one_live_line() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    with watch(2, console=console) as note:
        for _ in range(2):
            note(None)
            note(Sample(first_token=0.05))
    assert isinstance(console.file, io.StringIO)
    assert "2/2 done, 0 in flight, 2 ok" in console.file.getvalue()
