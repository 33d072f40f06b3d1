"""What two nodes must agree on before one may go on where the other stopped."""

import hashlib
from pathlib import Path

_PATTERNS = (
    "*.safetensors",
    "*.bin",
    "config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "chat_template*",
)
_DIGEST_BYTES = 16


def model_digest(directory: Path) -> str:
    """Return a BLAKE2b digest over weights, tokenizer and chat template, by file name.

    Reads every byte: about a second a gigabyte.
    """
    whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    names = {file.name for pattern in _PATTERNS for file in directory.glob(pattern)}
    for name in sorted(names):
        with (directory / name).open("rb") as file:
            part = hashlib.file_digest(file, "blake2b").digest()
        whole.update(len(name).to_bytes(2, "big") + name.encode() + part)
    return f"blake2b:{whole.hexdigest()}"
