from nearfield.core.clock import monotonic


def test_the_clock_never_runs_backwards() -> None:
    readings = [monotonic() for _ in range(1000)]
    assert readings == sorted(readings)
