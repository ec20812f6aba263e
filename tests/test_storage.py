from pathlib import Path

import pytest

from qa.storage import RecordingStore, StorageError


@pytest.fixture(params=["folder", "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> RecordingStore:
    return RecordingStore(str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}")


def test_what_is_put_comes_back_whole_and_in_parts(any_store: RecordingStore, tmp_path: Path) -> None:
    file = tmp_path / "a.flac"
    file.write_bytes(bytes(range(256)))

    any_store.put("ab/one.flac", file)
    any_store.put("ab/two.json", b"{}")

    assert any_store.size("ab/one.flac") == 256
    assert any_store.read("ab/two.json") == b"{}"
    with any_store.open("ab/one.flac") as content:
        content.seek(100)
        assert content.read(3) == bytes([100, 101, 102])
    with any_store.as_file("ab/one.flac") as path:
        assert path.read_bytes() == bytes(range(256))


def test_putting_again_replaces_and_deleting_removes(any_store: RecordingStore) -> None:
    any_store.put("a/x", b"old")
    any_store.put("a/x", b"new")
    assert any_store.read("a/x") == b"new"

    any_store.delete("a/x")

    assert not any_store.exists("a/x")
    with pytest.raises(FileNotFoundError):
        any_store.open("a/x")


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a/../../b", "", ".hidden", "a//b", "a\\b", "a\0b"])
def test_a_key_cannot_leave_the_store(any_store: RecordingStore, key: str) -> None:
    with pytest.raises(StorageError):
        any_store.put(key, b"")


def test_an_unknown_kind_of_store_is_named() -> None:
    with pytest.raises(StorageError, match="HOTLINE_STORAGE_URL"):
        RecordingStore("carrierpigeon://coop")


def test_only_a_folder_has_local_paths(tmp_path: Path) -> None:
    assert RecordingStore(str(tmp_path)).local_path("a") == tmp_path / "a"
    assert RecordingStore("memory://x").local_path("a") is None


def test_what_could_not_be_put_whole_leaves_nothing(tmp_path: Path) -> None:
    store = RecordingStore(str(tmp_path / "store"))

    with pytest.raises(FileNotFoundError):
        store.put("ab/one.flac", tmp_path / "gone.flac")

    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
