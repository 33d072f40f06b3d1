import pytest

from nearfield.cli.progress import Steps


def test_without_a_terminal_each_step_forward_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Steps() as progress:
        for done in (0, 0, 0, 1, 1, 2):
            progress("starting nodes", done, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line.partition(" after ")[0] for line in captured.err.splitlines()]
    assert lines == [
        "  starting nodes: 0 of 2",
        "  starting nodes: 1 of 2",
        "  starting nodes: 2 of 2",
    ]


def test_a_new_step_is_a_new_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps() as progress:
        progress("starting Consul", 0, 1)
        progress("starting nodes", 0, 1)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_on_a_terminal_it_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    monkeypatch.setenv("TERM", "xterm")
    with Steps() as progress:
        progress("starting nodes", 1, 2)
        progress("starting nodes", 2, 2)
    assert "starting nodes" in capsys.readouterr().err
