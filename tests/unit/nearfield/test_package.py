import subprocess
import sys

import pytest

import nearfield

LOADED = "print(sorted(name for name in sys.modules if name in ('grpc', 'google.protobuf')))"


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_loads_no_grpc() -> None:
    assert run(f"import nearfield\n{LOADED}") == "[]"


@pytest.mark.parametrize("name", ["Position", "NearfieldError", "Message", "Sampling"])
def test_values_load_no_grpc_either(name: str) -> None:
    assert run(f"from nearfield import {name}\n{LOADED}") == "[]"


def test_a_client_brings_grpc_along() -> None:
    assert "grpc" in run(f"from nearfield import Client\n{LOADED}")


@pytest.mark.parametrize("name", nearfield.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(nearfield, name).__name__ == name


def test_public_names_are_listed_for_completion() -> None:
    assert dir(nearfield) == sorted(nearfield.__all__)


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_that"):
        _ = nearfield.nothing_like_that
