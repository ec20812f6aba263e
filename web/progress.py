"""A progress bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function (done, of) that shows how far the work named `label` is."""
    if not sys.stderr.isatty():
        yield _lines(label)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _lines(label: str) -> Callable[[int, int], None]:
    shown = -1

    def show(done: int, of: int) -> None:
        nonlocal shown
        tenth = 10 * done // of if of else 10
        if tenth != shown:
            shown = tenth
            print(f"{label}: {done} of {of}", file=sys.stderr, flush=True)

    return show
