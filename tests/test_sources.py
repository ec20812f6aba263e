"""Which files make a call, and what their names and the manifest say about it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.settings import Settings
from qa.sources import COLUMNS, SourceError, find_sources, from_file_name, parse_time, read_manifest


@pytest.mark.parametrize(
    ("stem", "agent", "started_at"),
    [
        ("0728_20261118-143200_billing", "0728", "2026-11-18T14:32:00"),
        ("20261118-143200_0728", "0728", "2026-11-18T14:32:00"),
        ("20261118_143200_0728_13812345678", "0728", "2026-11-18T14:32:00"),
        ("2026-11-18 14-32-00 0728", "0728", "2026-11-18T14:32:00"),
        ("Auto0_GUID_000_AGENT_ChrisL_DT_2025-02-19T06-01-22_Mono", "ChrisL", "2025-02-19T06:01:22"),
        ("recording", None, None),
    ],
)
def test_usual_file_names_tell_agent_and_time(
    settings: Settings, stem: str, agent: str | None, started_at: str | None
) -> None:
    found = from_file_name(stem, settings)

    assert found.agent == agent
    expected = datetime.fromisoformat(started_at).replace(tzinfo=settings.zone) if started_at else None
    assert found.started_at == expected


def test_a_configured_pattern_reads_other_names(settings: Settings) -> None:
    settings.file_name_pattern = (
        r"(?P<queue>[a-z]+)-(?P<customer_number>\d+)-(?P<agent>\d+)-(?P<external_id>\w+)-(?P<agent_channel>\w+)"
    )

    found = from_file_name("billing-13812345678-0728-c99-right", settings)

    assert found.agent_channel == 1

    assert (found.queue, found.customer_number, found.agent, found.external_id) == (
        "billing",
        "13812345678",
        "0728",
        "c99",
    )


def test_two_sides_of_one_call_are_joined_and_a_transcript_goes_with_its_recording(
    settings: Settings, tmp_path: Path
) -> None:
    for name in ("a_agent.wav", "a_caller.wav", "sub/agent.wav", "sub/caller.wav", "b.wav", "b.json", "c.vtt", "x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = {source.name: source for source in find_sources([tmp_path], settings)}

    assert sorted(found) == ["a_agent.wav + a_caller.wav", "b.wav", "c.vtt", "sub/agent.wav + caller.wav"]
    assert [path.name for path in found["a_agent.wav + a_caller.wav"].recording] == ["a_agent.wav", "a_caller.wav"]
    assert found["a_agent.wav + a_caller.wav"].metadata.agent_channel == 0
    assert found["b.wav"].transcript == tmp_path / "b.json"


def test_the_products_own_recordings_and_hidden_files_are_not_taken_in_again(
    settings: Settings, tmp_path: Path
) -> None:
    for path in (settings.var_dir / "recordings" / "listen.flac", tmp_path / ".trash" / "a.wav", tmp_path / "b.wav"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert [source.name for source in find_sources([tmp_path], settings)] == ["b.wav"]


def test_a_lone_agent_side_is_a_call_of_its_own(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a_agent.wav").touch()

    (source,) = find_sources([tmp_path], settings)

    assert source.recording == (tmp_path / "a_agent.wav",)
    assert source.metadata.agent_channel is None


def test_a_manifest_wins_over_the_file_name(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "0001_20200101-000000.wav").touch()
    (tmp_path / "other.wav").touch()
    manifest = tmp_path / "calls.csv"
    manifest.write_text(
        "file,external_id,agent,agent_name,team,started_at,queue,direction,language,agent_channel,events,field:tier\n"
        "0001_20200101-000000.wav,c1,0728,王芳,一组,2026-11-18T14:32:00,billing,inbound,zh-CN,right,"
        "hold_start@12.5;transfer@40-41,gold\n",
        encoding="utf-8-sig",
    )

    first, second = find_sources([tmp_path], settings, manifest)

    assert first.metadata.external_id == "c1"
    assert (first.metadata.agent, first.metadata.agent_name, first.metadata.team) == ("0728", "王芳", "一组")
    assert first.metadata.started_at == datetime(2026, 11, 18, 6, 32, tzinfo=UTC)
    assert first.metadata.agent_channel == 1
    assert first.metadata.facts["events"] == [
        {"kind": "hold_start", "start": 12.5, "end": None},
        {"kind": "transfer", "start": 40.0, "end": 41.0},
    ]
    assert first.metadata.facts["fields"] == {"tier": "gold"}
    assert second.name == "other.wav"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("file,colour\na.wav,red\n", "colour"),
        ("file\nnowhere.wav\n", ":2: there is no file"),
        ("file,started_at\na.wav,yesterday\n", ":2: 'yesterday' is not a time"),
        ("file,agent_channel\na.wav,middle\n", ":2: agent_channel"),
        ("file,direction\na.wav,up\n", ":2: direction"),
        ("file,events\na.wav,hold\n", ":2: events"),
        ("file,agent\n,0728\n", ":2: names no file"),
        ("agent_file,agent\na.wav,0728\n", ":2: give either"),
        ("file,agent\na.wav,7,8\n", ":2: has more cells"),
        ("file,agent\na.wav,7\x00\n", ":2: agent: holds a control character"),
        ('file,queue\na.wav,"two\nlines"\n', ":3: queue: holds a control character or a line break"),
        ("file,external_id\na.wav," + "9" * 3000, ":2: external_id: has 3000 characters"),
        ("file,agent\na.wav," + "9" * 200_000, ":1: field larger than field limit"),
        ("file,started_at\na.wav,0001-01-01\n", ":2: '0001-01-01' is not a time"),
        ('file,agent\n"a.wav,7\n', "unexpected end of data"),
    ],
)
def test_a_wrong_manifest_line_is_named(settings: Settings, tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "a.wav").touch()
    manifest = tmp_path / "calls.csv"
    manifest.write_text(content)

    with pytest.raises(SourceError, match=says):
        list(read_manifest(manifest, settings))


def test_a_manifest_in_another_encoding_says_how_to_save_it(settings: Settings, tmp_path: Path) -> None:
    manifest = tmp_path / "calls.csv"
    manifest.write_bytes("file,agent_name\na.wav,王芳\n".encode("gb18030"))

    with pytest.raises(SourceError, match="CSV UTF-8"):
        list(read_manifest(manifest, settings))


def test_a_path_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing-here"):
        list(find_sources([tmp_path / "nothing-here"], settings))


SECONDS = st.integers(min_value=946_684_800, max_value=4_070_908_800)  # the years 2000 to 2099


@given(SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)))
def test_a_time_is_read_back_in_each_way_of_writing_it(moment: datetime) -> None:
    zone = Settings().zone

    for form in ("%Y-%m-%dT%H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d-%H%M%S", "%Y-%m-%d %H-%M-%S"):
        assert parse_time(moment.strftime(form), zone) == moment.replace(tzinfo=zone)


@pytest.mark.parametrize(("stem", "started_at"), [("0728_20261399-993200", None), ("0728_00010101-000000", None)])
def test_a_name_with_an_impossible_time_tells_only_the_rest(
    settings: Settings, stem: str, started_at: datetime | None
) -> None:
    assert from_file_name(stem, settings).started_at == started_at


def test_a_field_of_several_lines_becomes_one(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "calls.csv").write_text('file,field:ticket_summary\na.wav,"card lost\nnew one sent"\n')

    (source,) = read_manifest(tmp_path / "calls.csv", settings)

    assert source.metadata.facts["fields"] == {"ticket_summary": "card lost new one sent"}


def test_every_manifest_column_and_event_form_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")
    manifest = page[page.index("## Manifest") :]

    assert [column for column in COLUMNS if f"`{column}`" not in manifest] == []
