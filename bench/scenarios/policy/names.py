"""What a PoP is called, and whose law holds there."""

import unicodedata
from collections import Counter

# fmt: off
_EUROPEAN_UNION = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
))
# fmt: on


def jurisdiction_of(country: str) -> str:
    """Return `eu` for its members, else the country's two letters in lower case."""
    return "eu" if country in _EUROPEAN_UNION else country.lower()


class Namer:
    """Gives each city a PoP code of three letters and a number, such as par1; none twice."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def pop(self, name: str, country: str) -> str:
        """Return the next code: of the name's first letters, then of the country's."""
        letters = _ascii_letters(name) + _ascii_letters(country) + "xxx"
        code = letters[:3]
        self._given[code] += 1
        return f"{code}{self._given[code]}"


def _ascii_letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalpha())
