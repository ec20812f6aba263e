from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models import Role, ScorecardDraft, ScorecardVersion
from qa.criteria import card_of
from scoring.scorecard import load_scorecard
from tests.web_world import World, open_world

HTMX = {"HX-Request": "true"}
ITEM = "sections.0.items.0"


@pytest.fixture
def opened(tmp_path: Path, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path, _empty_database)


@pytest.fixture
def app(opened: tuple[Flask, World]) -> Flask:
    return opened[0]


@pytest.fixture
def world(opened: tuple[Flask, World]) -> World:
    return opened[1]


@pytest.fixture
def lead(app: Flask, world: World) -> FlaskClient:
    return world.client(app, Role.LEAD)


def stored(app: Flask, world: World) -> ScorecardDraft:
    with app.extensions["session_factory"]() as session:
        draft: ScorecardDraft = session.get_one(ScorecardDraft, world.draft.id)
        return draft


def send(lead: FlaskClient, world: World, revision: int = 0, **fields: Any) -> Any:
    data = {"revision": revision, "at": ITEM, "do": "save", **fields}
    return lead.post(f"/scorecards/drafts/{world.draft.id}/change", data=data, headers=HTMX)


def first_item(app: Flask, world: World) -> dict[str, Any]:
    item: dict[str, Any] = stored(app, world).definition["sections"][0]["items"][0]
    return item


def test_a_saved_field_brings_back_all_that_follows_from_it(app: Flask, world: World, lead: FlaskClient) -> None:
    answer = send(lead, world, name="Recording notice", weight="6")

    page = answer.get_data(as_text=True)
    assert (first_item(app, world)["name"], first_item(app, world)["weight"]) == ("Recording notice", 6)
    assert "2 over 100" in page
    assert 'value="1"' in re.findall(r'<input[^>]*id="revision"[^>]*>', page)[0]
    assert 'id="entry-form"' not in page  # the form itself stays: somebody types in it


@pytest.mark.parametrize(
    ("fields", "key", "value"),
    [
        ({"weight": "3,5"}, "weight", 3.5),
        ({"weight": "lots"}, "weight", "lots"),
        ({"name": "  two   spaces "}, "name", "two spaces"),
        ({"class": ""}, "class", None),
        ({"causes": "tired\r\n\r\n not trained "}, "causes", ["tired", "not trained"]),
        ({"has-rules": "1", "rules": ["EN-OPEN", "EN-BYE"]}, "rules", ["EN-OPEN", "EN-BYE"]),
        ({"has-rules": "1"}, "rules", None),
        ({"guidance-met": "said", "guidance-partly": " ", "guidance-not_met": ""}, "guidance", {"met": "said"}),
        ({"when-partly": "", "when-not_met": "missing >= 2"}, "when", {"not_met": "missing >= 2"}),
        ({"note": "one\r\ntwo"}, "note", "one\ntwo"),
    ],
)
def test_what_is_typed_is_kept(
    app: Flask, world: World, lead: FlaskClient, fields: dict[str, Any], key: str, value: Any
) -> None:
    send(lead, world, **fields)

    assert first_item(app, world).get(key) == value


def test_another_type_brings_its_own_fields(app: Flask, world: World, lead: FlaskClient) -> None:
    page = send(lead, world, type="choice").get_data(as_text=True)
    assert 'name="options-1-share"' in page

    options = {"options-0-name": "clear", "options-0-share": "100", "options-1-name": "not", "options-1-share": "0 %"}
    send(lead, world, 1, type="choice", **options, **{"options-0-guidance": "as agreed", "options-1-when": "missing"})

    item = first_item(app, world)
    assert item["options"] == [{"name": "clear", "share": 1}, {"name": "not", "share": 0}]
    assert (item["guidance"], item["when"]) == ({"clear": "as agreed"}, {"not": "missing"})
    send(lead, world, 2, type="deduction")
    send(lead, world, 3, type="deduction", **{"deduct-0-name": "late", "deduct-0-points": "2"}, deductions="largest")
    item = first_item(app, world)
    assert ("options" in item, item["deduct"], item["deductions"]) == (False, {"late": 2}, "largest")


def test_ranges_and_scales_are_kept_with_their_ends(app: Flask, world: World, lead: FlaskClient) -> None:
    send(lead, world, type="number")
    rows = {
        "ranges-0-low": "",
        "ranges-0-high": "2",
        "ranges-0-share": "100",
        "ranges-1-low": "3",
        "ranges-1-share": "",
    }
    send(lead, world, 1, type="number", unit="times", **rows)
    assert first_item(app, world)["ranges"] == [{"high": 2, "share": 1}, {"low": 3, "share": None}]

    send(lead, world, 2, type="scale")
    send(lead, world, 3, type="scale", **{"scale_from": "0", "scale_to": "2", "label-0": "hard", "label-1": ""})
    item = first_item(app, world)
    assert (item["scale_from"], item["scale_to"], item["labels"]) == (0, 2, {"0": "hard"})


def test_a_condition_offers_the_answers_of_the_item_that_it_names(app: Flask, world: World, lead: FlaskClient) -> None:
    second = {"at": "sections.0.items.1", "only_if-item": "S1"}

    page = send(lead, world, **second).get_data(as_text=True)
    assert 'name="only_if-answers" value="partly"' in page
    send(lead, world, 1, **second, **{"only_if-answers": ["met"]})

    item = stored(app, world).definition["sections"][0]["items"][1]
    assert item["only_if"] == {"item": "S1", "answers": ["met"]}


def test_entries_are_added_and_opened(app: Flask, world: World, lead: FlaskClient) -> None:
    answer = send(lead, world, do="add:sections.1.items")

    assert answer.headers["HX-Push-Url"].endswith("at=sections.1.items.4")
    assert answer.headers["HX-Retarget"] == "#bench"
    assert stored(app, world).definition["sections"][1]["items"][4]["id"] == "R5"


def test_without_scripts_a_form_leads_back_to_its_entry(app: Flask, world: World, lead: FlaskClient) -> None:
    data = {"revision": 0, "at": ITEM, "do": "down"}

    answer = lead.post(f"/scorecards/drafts/{world.draft.id}/change", data=data)

    assert answer.location.endswith("?at=sections.0.items.1")


@pytest.mark.parametrize("at", ["sections.9", "sections.0.items.99", "fatal.77"])
def test_a_part_that_is_gone_changes_nothing(app: Flask, world: World, lead: FlaskClient, at: str) -> None:
    answer = send(lead, world, at=at, name="x")

    assert "somebody removed it" in answer.get_data(as_text=True)
    assert stored(app, world).revision == 0


def test_a_stale_save_says_so_and_keeps_what_is_stored(app: Flask, world: World, lead: FlaskClient) -> None:
    send(lead, world, name="First")
    answer = send(lead, world, name="Second")

    assert "has changed this draft meanwhile" in answer.get_data(as_text=True)
    assert first_item(app, world)["name"] == "First"


# Text and files.


def test_the_exported_file_is_the_card(app: Flask, world: World, lead: FlaskClient) -> None:
    answer = lead.get(f"/scorecards/versions/{world.card.id}/file")

    assert answer.headers["Content-Disposition"] == "attachment; filename=en-bank-hotline-1.yaml"
    card = load_scorecard(answer.get_data(as_text=True))
    assert card.model_copy(update={"name": None}) == card_of(world.card)


def test_a_text_with_errors_is_kept_on_the_page(app: Flask, world: World, lead: FlaskClient) -> None:
    broken = "scorecard:\n  id: en-bank-hotline\n  sections: [oops"
    answer = lead.post(f"/scorecards/drafts/{world.draft.id}/text", data={"yaml": broken, "revision": 0})

    assert answer.status_code == 422
    assert "[oops" in answer.get_data(as_text=True)
    assert "not readable as YAML" in answer.get_data(as_text=True)


def test_a_file_becomes_a_draft(app: Flask, world: World, lead: FlaskClient) -> None:
    text = "scorecard: {id: new-desk, name: 新台席, language: zh-CN, method: answer, sections: []}"
    answer = lead.post("/scorecards/import", data={"file": (io.BytesIO(text.encode()), "new.yaml")})

    page = lead.get(answer.location).get_data(as_text=True)
    assert "新台席" in page
    assert "is empty: add at least one" in page


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"card: 5", "new.yaml:1: the key"),
        (b"scorecard: {id: en-bank-hotline}", "already, last saved by"),
    ],
)
def test_a_file_that_cannot_be_a_draft_is_refused(
    app: Flask, world: World, lead: FlaskClient, content: bytes, message: str
) -> None:
    answer = lead.post("/scorecards/import", data={"file": (io.BytesIO(content), "new.yaml")})

    assert answer.status_code == 422
    assert message in answer.get_data(as_text=True)


# Into use and out of it.


def test_a_draft_is_put_into_use_with_a_note(app: Flask, world: World, lead: FlaskClient) -> None:
    send(lead, world, name="Recording notice")
    changes = lead.get(f"/scorecards/drafts/{world.draft.id}/changes").get_data(as_text=True)
    assert "Recording notice" in changes
    assert "Caller told the call is recorded" in changes

    data = {"revision": 1, "note": "Shorter words"}
    answer = lead.post(f"/scorecards/drafts/{world.draft.id}/activate", data=data, follow_redirects=True)

    page = answer.get_data(as_text=True)
    assert "version 2, is in use" in page
    assert "Shorter words" in page
    compared = lead.get(f"/scorecards/versions/{world.card.id}/changes").get_data(as_text=True)
    assert "Recording notice" in compared


def test_errors_keep_a_draft_from_use_and_say_where(app: Flask, world: World, lead: FlaskClient) -> None:
    send(lead, world, name="")

    answer = lead.post(f"/scorecards/drafts/{world.draft.id}/activate", data={"revision": 1, "note": "because"})

    assert answer.status_code == 422
    assert "S1 · Title: is missing: add it" in answer.get_data(as_text=True)


def test_a_version_is_retired_and_a_draft_discarded(app: Flask, world: World, lead: FlaskClient) -> None:
    lead.post(f"/scorecards/versions/{world.card.id}/retire")
    page = lead.post(f"/scorecards/drafts/{world.draft.id}/discard", follow_redirects=True).get_data(as_text=True)

    assert "No scorecard is in use" in page
    with app.extensions["session_factory"]() as session:
        assert session.scalars(select(ScorecardDraft)).all() == []
        assert not session.scalars(select(ScorecardVersion)).one().active


def test_an_administrator_reads_and_changes_nothing(app: Flask, world: World) -> None:
    admin = world.client(app, Role.ADMIN)

    page = admin.get(f"/scorecards/drafts/{world.draft.id}").get_data(as_text=True)

    assert "disabled" in page
    assert "Add an item" not in page
    assert admin.post(f"/scorecards/drafts/{world.draft.id}/change", data={"revision": 0}).status_code == 403


def test_a_call_that_nobody_may_see_is_not_scored(app: Flask, world: World, lead: FlaskClient) -> None:
    page = lead.get(f"/scorecards/drafts/{world.draft.id}/preview?call=99999").get_data(as_text=True)

    assert "There is no call with this number that you may see." in page
