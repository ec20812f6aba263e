"""How inner loops are compiled. Import this module only inside the functions that need them: numba loads slowly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numba

# Where the loops are written, and the constants that are compiled into them.
SOURCES = tuple(
    Path(__file__).with_name(name)
    for name in ("kernels.py", "unit_kernels.py", "reading.py", "sounds.py", "word_kinds.py", "compiled.py")
)


def compiled(function: Any) -> Any:
    """Compile with numba on first use, keeping the machine code on disk where that is possible."""
    try:
        loop = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache can be written: compile anew in each process
        return numba.njit(nogil=True, error_model="numpy")(function)
    _look_at(str(loop.stats.cache_path))
    return loop


@cache
def _look_at(folder: str) -> None:
    forget_stale(Path(folder), SOURCES)


def forget_stale(folder: Path, sources: Iterable[Path]) -> None:
    """Remove the machine code kept in `folder` when it was made of other `sources`.

    numba itself notices only a change of a loop's own file: it would go on with the constants, and with the loops of
    other files, that were there before a new version was installed.
    """
    made_of = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    note = folder / "kernels.sha256"
    if note.exists() and note.read_text() == made_of:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for kept in folder.glob("*kernels.*.nb[ic]"):
        kept.unlink(missing_ok=True)
    note.write_text(made_of)
