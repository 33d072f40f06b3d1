"""What a load worker is told to do, as one line of JSON."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """Send `count` prompts, `concurrency` at once, and write the samples to `path`.

    The same seed gives the same prompts, so every system is asked the same.
    """

    concurrency: int
    count: int
    words: int
    max_tokens: int
    seed: int
    path: str

    def to_line(self) -> str:
        """Return the job as a line, its end included."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Job":
        """Read a job."""
        return cls(**json.loads(line))
