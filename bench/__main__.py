"""`python -m bench BENCH`: measures, and leaves figures, samples and a page in a folder."""

import typer

from bench.scenarios.gpu.command import gpu
from bench.scenarios.overhead.command import overhead
from bench.scenarios.policy.command import policy
from bench.scenarios.size.command import fleet
from bench.scenarios.ttft.command import ttft
from nearfield.cli.output import fail
from nearfield.core.errors import NearfieldError

app = typer.Typer(
    help="Measures a fleet. Figures that miss their target do not make a bench fail.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("ttft")(ttft)
app.command("overhead")(overhead)
app.command("gpu")(gpu)
app.command("policy")(policy)
app.command("fleet")(fleet)


def main() -> None:
    """Run the command; what cannot be measured is one line, and status 1."""
    try:
        app(prog_name="python -m bench")
    except NearfieldError as error:
        fail(error, as_json=False)


if __name__ == "__main__":
    main()
