"""How inner loops are compiled. Import this module only inside the functions that need them: numba loads slowly."""

from __future__ import annotations

from typing import Any

import numba


def compiled(function: Any) -> Any:
    """Compile with numba on first use, keeping the machine code on disk where that is possible."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache can be written: compile anew in each process
        return numba.njit(nogil=True, error_model="numpy")(function)
