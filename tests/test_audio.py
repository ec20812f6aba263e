from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.conftest import require_or_skip, require_program
from tests.sounds import RATE, babble
from transcription import audio
from transcription.audio import Recording, coarser_peaks, join_sides, read_audio, waveform_peaks, write_listening_copy
from transcription.engine import UnreadableAudio


def tone(seconds: float = 1.0, rate: int = RATE, level: float = 0.5) -> NDArray[np.float32]:
    time = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def write(path: Path, *channels: NDArray[np.float32], rate: int = RATE, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, np.stack(channels, axis=1), rate, subtype=subtype)
    return path


def convert(source: Path, target: Path, *options: str) -> Path:
    ffmpeg = require_program("ffmpeg")
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", str(source), *options, str(target)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        require_or_skip(f"this ffmpeg cannot write {target.suffix}: {done.stderr.decode()[-200:]}")
    return target


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("16 bit.wav", "PCM_16", 1e-3),
        ("8 bit.wav", "PCM_U8", 1e-2),
        ("24 bit.wav", "PCM_24", 1e-3),
        ("mu-law.wav", "ULAW", 3e-2),
        ("a-law.wav", "ALAW", 3e-2),
        ("gsm.wav", "GSM610", 0.3),
        ("float.wav", "FLOAT", 1e-6),
        ("flac.flac", "PCM_16", 1e-3),
    ],
)
def test_telephone_formats_come_back_as_the_same_sound(
    tmp_path: Path, name: str, subtype: str, tolerance: float
) -> None:
    sound = tone()

    recording = read_audio(write(tmp_path / name, sound, subtype=subtype))

    assert (recording.channels, recording.rate) == (1, RATE)
    assert recording.samples.dtype == np.float32
    assert np.abs(recording.samples[0, : len(sound)] - sound).max() < tolerance


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("call.mp3", ()),
        ("call.ogg", ("-c:a", "libopus")),
        ("call.opus", ()),
        ("call.m4a", ()),
        ("call.mp4", ()),
        ("call.gsm", ()),
        ("call.webm", ()),
        ("call.aiff", ()),
    ],
)
def test_compressed_formats_are_read_at_their_length(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    original = write(tmp_path / "original.wav", tone(2.0))

    recording = read_audio(convert(original, tmp_path / name, *options))

    assert recording.duration == pytest.approx(2.0, abs=0.15)
    assert 0.3 < np.abs(recording.samples).max() <= 1.0


def test_the_channels_of_a_stereo_file_stay_apart(tmp_path: Path) -> None:
    left, right = tone(level=0.5), tone(level=0.1)

    recording = read_audio(write(tmp_path / "call.wav", left, right))

    assert recording.samples.shape == (2, RATE)
    assert np.abs(recording.samples).max(axis=1) == pytest.approx([0.5, 0.1], abs=1e-3)


def test_a_float_file_with_numbers_that_are_no_levels_is_cleaned(tmp_path: Path) -> None:
    sound = np.array([0.5, np.nan, np.inf, -np.inf, 7.0], dtype=np.float32)

    recording = read_audio(write(tmp_path / "odd.wav", sound, subtype="FLOAT"))

    assert recording.samples.tolist() == [[0.5, 0.0, 1.0, -1.0, 1.0]]


def with_length(path: Path, length: int) -> Path:
    """Have the header of a WAV file announce `length` bytes of sound."""
    content = bytearray(path.read_bytes())
    content[40:44] = length.to_bytes(4, "little")
    path.write_bytes(content)
    return path


def silent_film(path: Path) -> Path:
    ffmpeg = require_program("ffmpeg")
    command = [
        ffmpeg,
        "-nostdin",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=d=0.1:s=32x32",
        "-f",
        "matroska",
        str(path),
    ]
    subprocess.run(command, check=True)
    return path


def spoil(path: Path, what: str) -> Path:
    if what == "missing":
        return path.with_name("gone.wav")
    if what == "a folder":
        folder = path.with_name("folder.wav")
        folder.mkdir()
        return folder
    if what == "six channels":
        return write(path, *[tone()] * 6)
    if what == "absurd rate":
        return write(path, tone(), rate=100)
    if what == "a pipe":
        os.mkfifo(path)
        return path
    if what == "a link to nothing":
        path.symlink_to(path.with_name("gone.wav"))
        return path
    if what == "a film without sound":
        return silent_film(path)
    contents = {
        "empty": b"",
        "text": b"Dear customer, " * 50,
        "zeros": bytes(5000),
        "header only": write(path, tone()).read_bytes()[:44],
        "no sample": write(path, tone(0.0)).read_bytes(),
        "cut off": write(path, tone(4.0)).read_bytes()[:20_000],
        "more than announced": with_length(write(path, tone(4.0)), 1000).read_bytes(),
        "other bytes": np.random.default_rng(0).bytes(20_000),
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.wav\n#EXT-X-ENDLIST\n",
        "list of files": b"ffconcat version 1.0\nfile other.wav\n",
    }
    path.write_bytes(contents[what])
    return path


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "does not exist"),
        ("a folder", "is not a file"),
        ("empty", "is empty"),
        ("text", "is no recording"),
        ("zeros", "is no recording"),
        ("header only", "holds no sound|is cut off"),
        ("no sample", "holds no sound"),
        ("cut off", "is cut off: only 31 %"),
        ("more than announced", "announces 1000 bytes of sound, and the file has 64044"),
        ("other bytes", "is no recording"),
        ("a pipe", "is not a file"),
        ("a link to nothing", "does not exist"),
        ("a film without sound", "there is no sound track in it"),
        ("six channels", "has 6 channels"),
        ("absurd rate", "100 samples a second"),
        ("playlist", "is no recording"),
        ("list of files", "is no recording"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, what: str, message: str) -> None:
    require_program("ffmpeg")
    write(tmp_path / "other.wav", tone())
    path = spoil(tmp_path / "call.wav", what)

    with pytest.raises(UnreadableAudio, match=rf"^{path.name}: .*({message})") as caught:
        read_audio(path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 0])
def test_a_wav_file_whose_recorder_never_wrote_the_length_is_read_whole(tmp_path: Path, length: int) -> None:
    require_program("ffmpeg")
    path = with_length(write(tmp_path / "streamed.wav", tone(2.0)), length)

    assert read_audio(path).duration == pytest.approx(2.0, abs=0.01)


def test_text_called_mp3_costs_one_message_and_no_noise(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    require_program("ffmpeg")
    path = tmp_path / "call.mp3"
    path.write_text("Dear customer, " * 500)

    with pytest.raises(UnreadableAudio, match="is no recording"):
        read_audio(path)
    assert capfd.readouterr() == ("", "")


def test_a_message_is_one_line_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = tmp_path / "a\nfailed: b\udcff\x1b[2J.wav"
    path.write_bytes(b"")

    with pytest.raises(UnreadableAudio, match=r"^a\?failed: b\?\?\[2J\.wav: is empty"):
        read_audio(path)


def test_a_link_to_a_recording_is_read(tmp_path: Path) -> None:
    link = tmp_path / "link.wav"
    link.symlink_to(write(tmp_path / "call.wav", tone()))

    assert read_audio(link).duration == 1.0


@pytest.mark.parametrize(("frames", "rate"), [(1, 8000), (2, 48_000), (384_000, 192_000)])
def test_very_short_and_very_fine_recordings_are_read(tmp_path: Path, frames: int, rate: int) -> None:
    recording = read_audio(write(tmp_path / "call.wav", tone(frames / rate, rate), rate=rate))

    assert recording.samples.shape == (1, frames)
    assert len(recording.for_engine(0)) <= max(2, frames * audio.SAMPLE_RATE // rate)


def test_a_damaged_flac_file_is_refused_rather_than_half_read(tmp_path: Path) -> None:
    require_program("ffmpeg")
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 10 * RATE).astype(np.float32)
    path = write(tmp_path / "call.flac", noise)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(UnreadableAudio, match=r"call\.flac: .*(damaged|cut off|decode)"):
        read_audio(path)


def test_a_recording_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", tone(3.0))

    with pytest.raises(UnreadableAudio, match="too long"):
        read_audio(path, max_seconds=2.0)
    with pytest.raises(UnreadableAudio, match="too long"):
        read_audio(convert(path, tmp_path / "long.m4a"), max_seconds=2.0)


def test_without_ffmpeg_an_unknown_format_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "call.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A " * 20)
    monkeypatch.setattr(shutil, "which", lambda program: None)

    with pytest.raises(UnreadableAudio, match="install the system package ffmpeg"):
        read_audio(path)


def test_a_file_name_cannot_give_orders_to_ffmpeg(tmp_path: Path) -> None:
    original = write(tmp_path / "original.wav", tone())
    converted = convert(original, tmp_path / "call.m4a")
    odd = converted.rename(tmp_path / "-i concat:a|b; echo $HOME.m4a")

    assert read_audio(odd).duration == pytest.approx(1.0, abs=0.1)


@settings(max_examples=40)
@given(st.binary(max_size=400), st.sampled_from([b"RIFF\x24\x10\x00\x00WAVEfmt ", b"fLaC", b"OggS", b""]))
def test_no_bytes_can_do_more_than_be_unreadable(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "call.wav"
    path.write_bytes(head + content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "which", lambda program: None)  # ffmpeg takes too long to start for many examples
        try:
            recording = read_audio(path)
        except UnreadableAudio:
            return
    assert np.abs(recording.samples).max(initial=0.0) <= 1.0


def test_two_one_sided_files_become_one_call_with_the_agent_left(tmp_path: Path) -> None:
    agent = write(tmp_path / "agent.wav", tone(1.0, level=0.5))
    customer = write(tmp_path / "caller.wav", tone(2.0, rate=16000, level=0.2), rate=16000)

    recording = join_sides(agent, customer)

    assert (recording.channels, recording.rate, recording.duration) == (2, 16000, 2.0)
    assert np.abs(recording.samples[0, :15000]).max() == pytest.approx(0.5, abs=0.02)
    assert not recording.samples[0, 17000:].any()
    assert np.abs(recording.samples[1]).max() == pytest.approx(0.2, abs=0.01)


def test_a_side_with_two_channels_is_refused(tmp_path: Path) -> None:
    mono, stereo = write(tmp_path / "a.wav", tone()), write(tmp_path / "b.wav", tone(), tone())

    with pytest.raises(UnreadableAudio, match=r"^b\.wav: has two channels"):
        join_sides(mono, stereo)


def test_the_listening_copy_is_flac_of_the_same_rate_and_channels(tmp_path: Path) -> None:
    recording = Recording(np.stack([tone(40.0), tone(40.0, level=1.0)]), RATE)

    write_listening_copy(recording, tmp_path / "copy.flac")
    copy = read_audio(tmp_path / "copy.flac")

    assert (copy.channels, copy.rate, copy.duration) == (2, RATE, 40.0)
    assert np.abs(copy.samples - recording.samples).max() < 1e-3


def test_peaks_follow_the_loudest_sample_of_each_bucket() -> None:
    sound = np.zeros(RATE, dtype=np.float32)
    sound[100], sound[5000] = -0.25, 0.75

    peaks = waveform_peaks(Recording(sound[None, :], RATE), per_second=2)

    assert peaks == {"per_second": 2, "duration": 1.0, "channels": [[0.25, 0.75]]}


def test_coarser_peaks_keep_the_loudest_level_and_leave_short_outlines_alone() -> None:
    peaks = {"per_second": 20, "duration": 0.25, "channels": [[0.1, 0.9, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0, 0.7]]}

    assert coarser_peaks(peaks, 3) == {
        "per_second": 10,
        "duration": 0.25,
        "channels": [[0.9, 0.3, 0.4], [0.0, 0.0, 0.7]],
    }
    assert coarser_peaks(peaks, 5) is peaks


def test_a_channel_is_brought_to_the_rate_of_the_engines() -> None:
    recording = Recording(babble([(0.0, 2.0)], 2.0)[None, :], RATE)

    samples = recording.for_engine(0)

    assert samples.shape == (2 * audio.SAMPLE_RATE,)
    assert samples.dtype == np.float32
