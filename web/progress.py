"""A progress bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str) -> Iterator[Callable[..., None]]:
    """Yield a function (done, of, stage="") that shows how far the work named `label` is, and what it is doing."""
    if not sys.stderr.isatty():
        yield _lines(label)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, of, stage="": bar.update(
            task, completed=done, total=of, description=f"{label}: {stage}" if stage else label
        )


def _lines(label: str) -> Callable[..., None]:
    shown = -1

    def show(done: int, of: int, stage: str = "") -> None:
        nonlocal shown
        tenth = 10 * done // of if of else 10
        if tenth != shown:
            shown = tenth
            print(f"{label}: {done} of {of} {stage}".rstrip(), file=sys.stderr, flush=True)

    return show
