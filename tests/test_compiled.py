"""Machine code that was made of other sources is not used."""

from __future__ import annotations

from pathlib import Path

from scoring.compiled import SOURCES, forget_stale


def test_kept_code_is_forgotten_when_a_constant_of_another_file_changes(tmp_path: Path) -> None:
    loops, constants, folder = tmp_path / "kernels.py", tmp_path / "sounds.py", tmp_path / "cache"
    loops.write_text("loop = 1")
    constants.write_text("BREAK = 1")
    forget_stale(folder, (loops, constants))
    kept = [folder / "kernels.seek-7.py311.nbi", folder / "unit_kernels.spell-1.py311.1.nbc"]
    others = [folder / "kernels.cpython-311.pyc", folder / "other.loop-1.py311.nbi"]
    for path in (*kept, *others):
        path.write_bytes(b"code")
    forget_stale(folder, (loops, constants))
    assert all(path.exists() for path in (*kept, *others))
    constants.write_text("BREAK = 2")
    forget_stale(folder, (loops, constants))
    assert not any(path.exists() for path in kept)
    assert all(path.exists() for path in others)


def test_every_file_whose_constants_the_loops_hold_is_looked_at() -> None:
    names = {path.stem for path in SOURCES}
    for source in SOURCES:
        if source.stem.endswith("kernels"):
            lines = source.read_text(encoding="utf-8").splitlines()
            used = {line.split()[1].removeprefix("scoring.") for line in lines if line.startswith("from scoring.")}
            assert used
            assert used <= names
