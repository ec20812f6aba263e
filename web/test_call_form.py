"""The entry form of a test-call sheet: which fields and answers it has, in the page's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from scoring.check_sheet import CheckSheet, SheetItem
from web.i18n import N_

FIELDS = {
    "tester_id": N_("Tester"),
    "number_used": N_("Number you called from"),
    "hotline_dialled": N_("Hotline dialled"),
    "dial_time": N_("Dialled at"),
    "agent_answer_time": N_("Agent answered at"),
    "end_time": N_("Ended at"),
    "staff_number_heard": N_("Staff number heard"),
    "attempts_before_connection": N_("Attempts before connection"),
    "scenario_id": N_("Scenario"),
    "persona": N_("Persona"),
    "own_recording": N_("Own recording"),
}
KINDS = {"dial_time": "datetime-local", "agent_answer_time": "time", "end_time": "time"}
PERSONAS = {
    "calm": N_("calm"),
    "hurried": N_("hurried"),
    "angry": N_("angry"),
    "grateful": N_("grateful"),
    "confused": N_("confused"),
    "elderly": N_("elderly"),
}
GROUPS = {
    "access": N_("Getting through"),
    "opening": N_("Opening"),
    "listening": N_("Listening"),
    "attitude": N_("Attitude"),
    "knowledge": N_("Knowledge"),
    "handling": N_("Handling"),
    "closing": N_("Closing"),
    "timeliness": N_("Timeliness"),
    "understanding": N_("Understanding"),
    "wording": N_("Wording"),
    "process": N_("Process"),
}
# The shipped sheet's own sentences, so that the form speaks both languages; other sheets are shown as they are.
ITEMS = (
    N_("Connected at first attempt"),
    N_("Menu clear and agent reachable in at most 3 steps"),
    N_("Agent within 20 s of pressing the agent key"),
    N_("Greeting and staff number and offer of help"),
    N_("Let me finish and understood at first telling"),
    N_("Asked or repeated to confirm the need"),
    N_("Friendly and attentive throughout"),
    N_("Stayed calm with the persona's mood"),
    N_("Main answer agrees with the key"),
    N_("All key points given unasked"),
    N_("Follow-up question answered rightly"),
    N_("Hold and transfer explained and thanked"),
    N_("If not solved a time and a way of reply was promised"),
    N_("Asked for further needs and said goodbye and did not hang up first"),
    N_("Promised reply arrived in time"),
    N_("Would you be satisfied as a real customer"),
    N_("Words or conduct that must be reviewed"),
    N_("persona calm"),
    N_("none happened"),
    N_("solved"),
    N_("Answered within the promised time"),
    N_("Need understood without asking twice"),
    N_("Answer correct"),
    N_("Answer complete with next step and time"),
    N_("Polite and plain wording"),
    N_("Free of writing errors that change the meaning"),
    N_("Identity and data protection kept"),
    N_("Record complete and filed under the right kind"),
    N_("no personal data involved"),
)
CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "yes_no": (("yes", N_("Yes")), ("no", N_("No"))),
    "yes_no_pending": (("yes", N_("Yes")), ("no", N_("No")), ("pending", N_("Not due yet"))),
    "scale3": (("3", N_("3 good")), ("2", N_("2 fair")), ("1", N_("1 poor"))),
    "scale5": (("5", N_("5 very good")), ("4", "4"), ("3", N_("3 fair")), ("2", "2"), ("1", N_("1 very poor"))),
    "right_partly_wrong": (("right", N_("Right")), ("partly", N_("Partly")), ("wrong", N_("Wrong"))),
    "count_of_3": (("3", N_("3 of 3")), ("2", N_("2 of 3")), ("1", N_("1 of 3")), ("0", N_("None"))),
}
NOT_APPLICABLE = "na"


@dataclass(frozen=True, slots=True)
class SheetChoice:
    value: str
    name: str


@dataclass(frozen=True, slots=True)
class SheetQuestion:
    """One row: a list of choices, or when there are none a field to fill."""

    id: str
    name: str
    weight: float | None
    choices: list[SheetChoice]
    kind: str  # of the field: "number" or "text"
    hint: str | None


@dataclass(slots=True)
class TypedSheet:
    """The form's fields as a person left them."""

    source: str = ""
    key_points: str = ""
    header: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


def read_sheet(form: MultiDict[str, str], sheet: CheckSheet) -> TypedSheet:
    items = [*(item.id for item in sheet.items), *(item.id for item in sheet.after_call)]
    return TypedSheet(
        source=form.get("source", ""),
        key_points=form.get("key_points", ""),
        header={one.field: form.get(one.field, "").strip() for one in sheet.header},
        answers={item: text for item in items if (text := form.get(f"answer-{item}", "").strip())},
    )


def question_groups(sheet: CheckSheet) -> Iterator[tuple[str, list[SheetQuestion]]]:
    """Yield the sheet's items under the translated name of their part of the call."""
    for part, items in groupby(sheet.items, key=lambda item: item.part):
        yield gettext(GROUPS[part]) if part in GROUPS else part, [question(item) for item in items]


def after_call_questions(sheet: CheckSheet) -> list[SheetQuestion]:
    return [
        SheetQuestion(one.id, item_name(one.name), None, list(choices(one.answer, None)), "text", None)
        for one in sheet.after_call
    ]


def question(item: SheetItem) -> SheetQuestion:
    hint = None
    if item.answer == "seconds":
        hint = gettext("Seconds")
    elif item.answer == "count_of_key":
        hint = gettext("How many of the key points")
    return SheetQuestion(
        item.id, item_name(item.name), item.weight, list(choices(item.answer, item.na)), "number", hint
    )


def choices(answer: str, not_applicable: str | None) -> Iterator[SheetChoice]:
    for value, name in CHOICES.get(answer, ()):
        yield SheetChoice(value, gettext(name))
    if not_applicable:
        yield SheetChoice(NOT_APPLICABLE, gettext("Not applicable (%(when)s)", when=item_name(not_applicable)))


def item_name(name: str) -> str:
    """Return the translated sentence of a shipped sheet, any other as it stands."""
    return gettext(name) if name in ITEMS else name


def answer_name(sheet: CheckSheet, item_id: str, value: str) -> str:
    """Return a given answer as the form showed it."""
    kinds: dict[str, str] = {item.id: item.answer for item in sheet.items}
    kinds |= {later.id: later.answer for later in sheet.after_call}
    if value == NOT_APPLICABLE:
        return gettext("Not applicable")
    names = dict(CHOICES.get(kinds.get(item_id, ""), ()))
    return gettext(names[value]) if value in names else value
