"""Make a `consul` binary available and print its path.

    python tools/install_consul.py DIR

Takes the one on PATH, else DIR/consul, else puts one into DIR from a Debian package:
the machine's own where it has a candidate, else Debian 11's, from the same mirror.
Needs no root and changes nothing outside DIR. Standard library only.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

RELEASE = "bullseye"
"""The last Debian release that packages Consul (1.8.7)."""
KEYRINGS = Path("/usr/share/keyrings")
ROLLING = ("stable", "oldstable", "testing", "unstable", "sid")


class InstallError(Exception):
    """No consul could be had; the message says why."""


def main(arguments: list[str]) -> int:
    """Print the path of a consul binary; 1 with a message where there is none."""
    if len(arguments) != 1:
        print("usage: python tools/install_consul.py DIR", file=sys.stderr)
        return 2
    directory = Path(arguments[0]).resolve()
    try:
        print(find_or_install(directory))
    except InstallError as error:
        print(f"no consul: {error}\n{_fix(directory)}", file=sys.stderr)
        return 1
    return 0


def find_or_install(directory: Path) -> Path:
    """Return the path of a consul binary; raises InstallError."""
    ours = directory / "consul"
    if on_path := shutil.which("consul"):
        return Path(on_path)
    if not os.access(ours, os.X_OK):
        with tempfile.TemporaryDirectory(prefix="consul-") as scratch:
            # apt drops to its own user to download, and must be able to look inside
            os.chmod(scratch, 0o755)
            unpack(download(Path(scratch)), ours)
    return ours


def download(scratch: Path) -> Path:
    """Fetch a consul package into `scratch`; raises InstallError."""
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise InstallError(f"this machine has no {tool}")
    policy = _run(["apt-cache", "policy", "consul"], scratch)
    if "Candidate:" in policy and "Candidate: (none)" not in policy:
        return _apt_download([], scratch)
    failures = []
    for mirror in debian_mirrors(scratch):
        try:
            return _from_release(mirror, scratch)
        except InstallError as error:
            failures.append(f"{mirror} offers no {RELEASE}: {error}")
    raise InstallError("\n".join(failures) or "apt knows no mirror of this machine's release")


def debian_mirrors(scratch: Path) -> Iterator[str]:
    """Name the repositories that the machine's apt takes its own release from."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    columns = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", columns, "Created-By: Packages"]
    rows = [line.split(" ", 2) for line in _run(command, scratch).splitlines()]
    found = [
        uri
        for release, component, uri in rows
        if component == "main" and release in (codename, *ROLLING)
    ]
    yield from dict.fromkeys(found)


def unpack(package: Path, target: Path) -> None:
    """Take usr/bin/consul out of a package and put it at `target`; raises InstallError."""
    tree = package.parent / "tree"
    _run(["dpkg-deb", "--extract", str(package), str(tree)], package.parent)
    binary = tree / "usr/bin/consul"
    _run([str(binary), "version"], package.parent)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # beside the target and renamed, so that no one ever starts half a binary
        part = target.with_name(f".consul.{os.getpid()}")
        shutil.copy2(binary, part)
        part.replace(target)
    except OSError as error:
        raise InstallError(f"cannot write {target}: {error}") from None


def _from_release(mirror: str, scratch: Path) -> Path:
    keyring = next(KEYRINGS.glob("debian-archive-keyring.*"), None)
    signed = f"[signed-by={keyring}] " if keyring else ""
    sources = scratch / "sources.list"
    sources.write_text(f"deb {signed}{mirror} {RELEASE} main\n", encoding="utf-8")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True, exist_ok=True)
    # the machine's proxies, credentials and keys stay; its sources, pins and lists do not
    settings = {
        "Dir::Etc::SourceList": str(sources),
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": str(scratch / "state"),
        "Dir::Cache": str(scratch / "cache"),
        "Acquire::Languages": "none",
        "APT::Update::Error-Mode": "any",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    _run(["apt-get", *options, "update"], scratch)
    return _apt_download(options, scratch)


def _apt_download(options: list[str], scratch: Path) -> Path:
    _run(["apt-get", *options, "download", "consul"], scratch)
    package = next(scratch.glob("consul_*.deb"), None)
    if package is None:
        raise InstallError("apt-get download left no package")
    return package


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise InstallError(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        raise InstallError(f"{command[0]} {command[-1]} failed: {done.stderr.strip()}")
    return done.stdout


def _fix(directory: Path) -> str:
    return (
        "Install Consul 1.8 or newer by other means (a package of your distribution, or the\n"
        f"binary from its maker), and put it on PATH or at {directory / 'consul'}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
