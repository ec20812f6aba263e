"""Where recordings lie: a folder, or any store that fsspec reaches (S3 and its kin)."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class StorageError(ValueError):
    """The store cannot be reached or a key is not one of ours; the message says what to mend."""


class RecordingStore:
    """Files under keys such as "2026/11/1f3a….flac". Keys are made by the product, never by a user."""

    def __init__(self, url: str) -> None:
        import fsspec

        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StorageError(f"HOTLINE_STORAGE_URL {url!r}: {error}") from error
        self._local = "file" in (
            self._files.protocol if isinstance(self._files.protocol, tuple) else (self._files.protocol,)
        )

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise StorageError(f"{key!r} is not a key of this store")
        return str(PurePosixPath(self._root) / key)

    def put(self, key: str, content: Path | bytes) -> None:
        """Store `content` under `key`, whole or not at all."""
        target = self._path(key)
        if self._local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=Path(target).parent, delete=False) as part:
                try:
                    if isinstance(content, bytes):
                        part.write(content)
                    else:
                        with content.open("rb") as source:
                            shutil.copyfileobj(source, part)
                    part.flush()
                    Path(part.name).replace(target)
                finally:
                    Path(part.name).unlink(missing_ok=True)
        elif isinstance(content, bytes):
            self._files.pipe_file(target, content)
        else:
            self._files.put_file(str(content), target)

    def open(self, key: str) -> BinaryIO:
        """Return the content of `key` as a seekable binary file.

        Raises:
            FileNotFoundError: there is nothing under `key`.
        """
        return cast(BinaryIO, self._files.open(self._path(key), "rb"))

    def read(self, key: str) -> bytes:
        return cast(bytes, self._files.cat_file(self._path(key)))

    def size(self, key: str) -> int:
        """Return the length of `key` in bytes."""
        return int(self._files.size(self._path(key)))

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._path(key)))

    def delete(self, key: str) -> None:
        if self.exists(key):
            self._files.rm_file(self._path(key))

    def local_path(self, key: str) -> Path | None:
        """Return the file behind `key` when the store is a local folder, else None."""
        return Path(self._path(key)) if self._local else None

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        """Yield `key` as a local file, copied from the store when it is far away."""
        path = self.local_path(key)
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / PurePosixPath(key).name
            self._files.get_file(self._path(key), str(copy))
            yield copy
