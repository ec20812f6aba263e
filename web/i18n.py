"""Two languages and one time zone: what a page says and how it writes times and numbers.

`python -m web.i18n compile` makes the catalogues that a running program reads; `python -m web.i18n update` brings
new messages of the source into the catalogue that people translate (see web.catalogue).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale, gettext
from flask_login import current_user
from markupsafe import Markup

from models import CallState, ReviewReason, ReviewState, Role
from scoring.marks import Answer, Evidence
from web.context import settings

LANGUAGES = {"zh_CN": "中文", "en": "English"}
LOCALE_COOKIE = "locale"
TRANSLATIONS = Path(__file__).parent / "translations"
PROVISIONAL_BELOW = 50  # points of 100 that were answered
NOTHING = "–"  # in the place of a time or number that there is none of


def N_(message: str) -> str:
    """Mark a message for the catalogue that is translated later, where it is shown."""
    return message


ROLES: dict[str, str] = {
    Role.AGENT: N_("Agent"),
    Role.INSPECTOR: N_("Inspector"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.LEAD: N_("QA lead"),
    Role.TEST_CALLER: N_("Test caller"),
    Role.ADMIN: N_("Administrator"),
}
CALL_STATES: dict[str, str] = {
    CallState.RECEIVED: N_("Received"),
    CallState.TRANSCRIBED: N_("Transcribed"),
    CallState.SCORED: N_("Scored"),
    CallState.FAILED: N_("Failed"),
    CallState.NOT_GRADABLE: N_("Not gradable"),
}
STATE_REASONS: dict[str, str] = {
    "too_short": N_("Too short"),
    "no_speech": N_("No speech"),
    "voicemail": N_("Voicemail"),
}
ANSWERS: dict[str, str] = {
    Answer.MET: N_("Met"),
    Answer.PARTLY: N_("Partly met"),
    Answer.NOT_MET: N_("Not met"),
    Answer.NOT_APPLICABLE: N_("Not applicable"),
    Answer.CANNOT_TELL: N_("Cannot tell"),
}
REVIEW_STATES: dict[str, str] = {
    ReviewState.DRAFT: N_("Draft"),
    ReviewState.SUBMITTED: N_("Submitted"),
    ReviewState.RELEASED: N_("Released"),
}
REVIEW_REASONS: dict[str, str] = {
    ReviewReason.RANDOM: N_("Random sample"),
    ReviewReason.TARGETED: N_("Targeted"),
    ReviewReason.COMPLAINT: N_("Complaint"),
}
SPEAKERS: dict[str, str] = {
    "agent": N_("Agent"),
    "customer": N_("Customer"),
    "unknown": N_("Unknown speaker"),
}
DIRECTIONS: dict[str, str] = {"inbound": N_("Inbound"), "outbound": N_("Outbound")}
# Of the audit trail: what was done, and to what.
ACTS: dict[str, str] = {
    "login.done": N_("Logged in"),
    "login.ended": N_("Logged out"),
    "user.created": N_("Created a user"),
    "user.activated": N_("Activated a user"),
    "user.deactivated": N_("Deactivated a user"),
    "user.password_reset": N_("Gave a new password"),
    "user.email_changed": N_("Changed a user's mail address"),
    "audit.viewed": N_("Looked at the audit trail"),
    "calls.ingested": N_("Took in calls"),
    "demonstration.began": N_("Began to load the demonstration"),
    "demonstration.loaded": N_("Loaded the demonstration"),
    "call.uploaded": N_("Uploaded a call"),
    "call.viewed": N_("Opened a call"),
    "call.retried": N_("Had a call worked on again"),
    "call.reassigned": N_("Said that a call is another agent's"),
    "recording.played": N_("Played a recording"),
    "transcript.exported": N_("Downloaded a transcript"),
    "review.viewed": N_("Opened a review"),
    "review.saved": N_("Saved a draft review"),
    "review.submitted": N_("Submitted a review"),
    "review.released": N_("Released a review"),
    "review.acknowledged": N_("Acknowledged a review"),
    "review.corrected": N_("Put a mark of a review right"),
    "review.release_planned": N_("Planned the release of a review"),
    "review.taken_back": N_("Took a submitted review back to change it"),
    "transcript.corrected": N_("Corrected a transcript"),
    "comment.added": N_("Commented on a call"),
    "comment.removed": N_("Took a comment back"),
    "sample.put_off": N_("Put a drawn call off"),
    "reviews.imported": N_("Imported reviews"),
    "appeal.raised": N_("Raised an appeal"),
    "appeal.viewed": N_("Opened an appeal"),
    "appeal.passed": N_("Passed an appeal on"),
    "appeal.returned": N_("Returned an appeal"),
    "appeal.assigned": N_("Gave an appeal to somebody else"),
    "appeal.escalated": N_("Moved an overdue appeal on"),
    "appeal.decided": N_("Decided an appeal"),
    "appeal.cause_named": N_("Named the cause of a wrong mark"),
    "appeal.withdrawn": N_("Withdrew an appeal"),
    "appeal.reexamined": N_("Listed calls to look at again"),
    "appeals.exported": N_("Exported figures on appeals"),
    "reexamination.settled": N_("Looked at a call again"),
    "sampling_plan.stored": N_("Stored a sampling plan"),
    "sample.drawn": N_("Drew a weekly sample"),
    "sample.verified": N_("Verified a draw"),
    "sample.exported": N_("Exported the proof of a draw"),
    "sample.made_joint": N_("Gave drawn calls to a second inspector"),
    "sample.moved": N_("Gave a drawn call to an inspector"),
    "sample.carried_over": N_("Carried unfinished reviews over"),
    "sample.replaced": N_("Withdrew a drawn call"),
    "risk_model.trained": N_("Trained the risk model"),
    "agent.viewed": N_("Opened an agent's page"),
    "scores.viewed": N_("Looked at agent scores"),
    "scores.exported": N_("Exported agent scores"),
    "scores.published": N_("Published the scores of a period"),
    "scores.verified": N_("Made published scores again"),
    "scores.adjusted": N_("Booked adjustments of scores"),
    "scheme.stored": N_("Stored a version of the scheme"),
    "test_call.viewed": N_("Opened a test-call sheet"),
    "test_call.entered": N_("Entered a test-call sheet"),
    "test_call.matched": N_("Matched a test call"),
    "test_calls.imported": N_("Imported test-call sheets"),
    "scorecard.imported": N_("Imported a scorecard"),
    "scorecard.activated": N_("Put a scorecard into use"),
    "scorecard.retired": N_("Retired a scorecard"),
    "scorecard_draft.begun": N_("Began a draft of a scorecard"),
    "scorecard_draft.saved": N_("Saved a draft of a scorecard"),
    "scorecard_draft.discarded": N_("Discarded a draft of a scorecard"),
    "scorecard_draft.tried": N_("Tried a draft of a scorecard on a call"),
    "rules.tried": N_("Tried rules on a call"),
    "rules.compared": N_("Compared changed rules over stored calls"),
    "rules.activated": N_("Activated changed rules"),
    "rule_cases.changed": N_("Changed test cases of rules"),
    "test_call.settled": N_("Settled a test-call sheet by hand"),
    "test_calls.compared": N_("Compared test calls with rules and inspectors"),
    "scenarios.stored": N_("Took in scenarios of test calls"),
    "test_plan.drawn": N_("Drew a plan of test calls"),
    "test_plan.dropped": N_("Took back a plan of test calls"),
    "surveys.imported": N_("Took in survey ratings"),
    "surveys.viewed": N_("Looked at survey ratings"),
    "complaints.imported": N_("Took in complaints"),
    "complaint.viewed": N_("Opened a complaint"),
    "complaint.decided": N_("Decided a complaint"),
    "praises.imported": N_("Took in praise"),
    "praises.viewed": N_("Looked at praise"),
    "praise.struck": N_("Struck out praise"),
    "nonvoice_review.entered": N_("Entered a review of written work"),
    "nonvoice_review.released": N_("Released a review of written work"),
    "nonvoice_review.viewed": N_("Opened a review of written work"),
    "nonvoice_reviews.imported": N_("Imported reviews of written work"),
    "coaching.planned": N_("Planned coaching"),
    "coaching.viewed": N_("Opened a coaching"),
    "coaching.acknowledged": N_("Agreed to a coaching"),
    "coaching.step_done": N_("Ticked a step of a coaching"),
    "coaching.step_reopened": N_("Took back a tick of a coaching"),
    "coaching.retested": N_("Closed a coaching with a retest"),
    "coaching.cancelled": N_("Cancelled a coaching"),
    "case.published": N_("Put a case into the library"),
    "case.previewed": N_("Listened to a case before it was published"),
    "case.viewed": N_("Opened a case"),
    "case.played": N_("Played a case"),
    "case.withdrawn": N_("Withdrew a case"),
    "case.sound_deleted": N_("Deleted the sound of a case"),
    "calibration.created": N_("Opened a calibration"),
    "calibration.viewed": N_("Looked at a calibration"),
    "calibration.exported": N_("Exported the results of a calibration"),
    "calibration.extended": N_("Extended a calibration"),
    "calibration.closed": N_("Closed a calibration"),
    "calibration.concluded": N_("Wrote the conclusion of a calibration"),
    "reviewer_check.drawn": N_("Drew a check of an inspector"),
    "reviewer_check.viewed": N_("Opened a check of an inspector"),
    "reviewer_check.saved": N_("Saved a check of an inspector"),
    "reviewer_check.submitted": N_("Submitted a check of an inspector"),
    "reviewer_check.taken_over": N_("Took a check of an inspector over"),
}
SUBJECTS: dict[str, str] = {
    "draw": N_("Draw"),
    "sampling_plan": N_("Sampling plan"),
    "risk_model": N_("Risk model"),
    "call": N_("Call"),
    "user": N_("User"),
    "review": N_("Review"),
    "appeal": N_("Appeal"),
    "agent": N_("Agent"),
    "test_call": N_("Test call"),
    "scorecard": N_("Scorecard"),
    "scorecard_draft": N_("Draft of a scorecard"),
    "published_period": N_("Published period"),
    "scheme": N_("Scheme"),
    "test_plan": N_("Plan of test calls"),
    "complaint": N_("Complaint"),
    "praise": N_("Praise"),
    "nonvoice_review": N_("Review of written work"),
    "coaching": N_("Coaching"),
    "case": N_("Case"),
    "calibration": N_("Calibration"),
    "reviewer_check": N_("Check of an inspector"),
}
# Values inside the reasons of marks that are words of the criteria rather than of the call.
REASON_WORDS: dict[str, str] = {
    **SPEAKERS,
    "minor": N_("minor"),
    "major": N_("major"),
    "review": N_("a person must look"),
    "fatal_candidate": N_("may be fatal"),
    "chars_per_min": N_("characters a minute"),
    "words_per_min": N_("words a minute"),
    "phone": N_("a telephone number"),
    "id_card": N_("an identity number"),
    "bank_card": N_("a bank card number"),
    "money": N_("a sum of money"),
    "date": N_("a date"),
    "email": N_("an e-mail address"),
    "number": N_("a number of four digits or more"),
    "words/min": N_("words a minute"),
    "chars/min": N_("characters a minute"),
    "hold_start": N_("a hold begins"),
    "hold_end": N_("a hold ends"),
    "transfer": N_("the call is transferred"),
    "end_of_need": N_("the customer says what they need"),
    "keypad": N_("keys pressed by the customer"),
    "keypad events of the telephone system": N_("keys pressed by the customer"),
    "hold events": N_("when the caller was on hold"),
    "transfer events": N_("when the call was transferred"),
    "hangup_by": N_("who hung up"),
    "ivr_recording_notice": N_("the recording was announced before the agent joined"),
    "idv_done_by_ivr": N_("identity was checked before the agent joined"),
}
# Languages that calls and criteria are in, by primary subtag.
CALL_LANGUAGES: dict[str, str] = {"zh": N_("Chinese"), "en": N_("English")}


def select_locale() -> str:
    """Return the language of this page: the user's own choice, else the cookie, the browser, the setting."""
    if not has_request_context():
        return settings.locale
    chosen = [] if g.get("bare_page") else [getattr(current_user, "locale", None)]
    chosen.append(request.cookies.get(LOCALE_COOKIE))
    for code in chosen:
        if code in LANGUAGES:
            return code
    return browser_locale() or settings.locale


def browser_locale() -> str | None:
    """Return the first of our languages that the browser asks for; any Chinese reads ours."""
    for tag, _quality in request.accept_languages:
        match tag.replace("_", "-").split("-")[0].lower():
            case "zh":
                return "zh_CN"
            case "en":
                return "en"
    return None


def html_language() -> str:
    """Return the page's language as HTML wants it (BCP 47)."""
    return "zh-CN" if str(get_locale()).startswith("zh") else "en"


def format_when(moment: datetime | None) -> str:
    """Write a moment in the hotline's zone, to the minute."""
    return moment.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M") if moment else NOTHING


def format_day(moment: datetime | None) -> str:
    """Write the day of a moment in the hotline's zone."""
    return moment.astimezone(settings.zone).strftime("%Y-%m-%d") if moment else NOTHING


def format_short_day(moment: datetime | None) -> str:
    """Write month and day in the hotline's zone, where the year is known from the page."""
    return moment.astimezone(settings.zone).strftime("%m-%d") if moment else NOTHING


def foldable_when(moment: datetime | None) -> Markup:
    """Write a moment so that a narrow column breaks it between day and time only."""
    day, _space, time = format_when(moment).partition(" ")
    return Markup('<span class="text-nowrap">{}</span> {}').format(day, time)


def format_clock(seconds: float | None) -> str:
    """Write seconds as a player does: 0:02, 12:40, 1:02:03.

    >>> format_clock(3723.4)
    '1:02:03'
    """
    if seconds is None:
        return NOTHING
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def format_number(value: float | None, digits: int | None = None) -> str:
    """Write a number the way the page's language does, with exactly `digits` decimals when given."""
    if value is None:
        return NOTHING
    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=get_locale() or "en")


def is_provisional(answered: float | None) -> bool:
    """Whether an automatic score rests on too few points, of 100, to stand for its call."""
    return answered is not None and answered < PROVISIONAL_BELOW


def named(names: Mapping[str, str], value: str | None) -> str:
    """Return the translated name of `value`; one that has no name is shown as it is."""
    if value is None:
        return NOTHING
    return gettext(names[value]) if value in names else str(value)


def language_name(tag: str | None) -> str:
    """Return the translated name of a call's language, for example of "zh-CN"."""
    return NOTHING if tag is None else named(CALL_LANGUAGES, tag.split("-")[0].lower())


def reason_text(evidence: Evidence) -> str:
    """Return the sentence that says why a mark is what it is, in the page's language."""
    from scoring.reasons import REASONS

    message = REASONS.get(evidence.reason, evidence.reason)
    return gettext(message, **{name: readable(value) for name, value in evidence.values.items()})


def readable(value: Any) -> Any:
    """Return a reason's value as it stands in a sentence: lists joined, numbers rounded."""
    if isinstance(value, str):
        return named(REASON_WORDS, value)
    if isinstance(value, list | tuple):
        return (gettext(", ")).join(str(readable(part)) for part in value)
    if isinstance(value, float):
        return format_number(round(value, 2))
    return NOTHING if value is None else value


def init_app(app: Flask) -> None:
    Babel(
        app,
        default_locale="en",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=select_locale,
        timezone_selector=lambda: settings.time_zone,
    )
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.filters.update(
        when=format_when,
        foldable_when=foldable_when,
        day=format_day,
        short_day=format_short_day,
        clock=format_clock,
        num=format_number,
        reason_text=reason_text,
        provisional=is_provisional,
        language_name=language_name,
        role_name=lambda value: named(ROLES, value),
        call_state=lambda value: named(CALL_STATES, value),
        state_reason=lambda value: named(STATE_REASONS, value),
        answer_name=lambda value: named(ANSWERS, value),
        review_state=lambda value: named(REVIEW_STATES, value),
        review_reason=lambda value: named(REVIEW_REASONS, value),
        speaker_name=lambda value: named(SPEAKERS, value),
        act_name=lambda value: named(ACTS, value),
        subject_name=lambda value: named(SUBJECTS, value),
        direction_name=lambda value: named(DIRECTIONS, value),
    )


def main(arguments: list[str]) -> int:
    """Run one catalogue command."""
    from web import catalogue

    commands = {"compile": catalogue.compile_all, "update": catalogue.update}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python -m web.i18n {'|'.join(commands)}", file=sys.stderr)
        return 2
    commands[arguments[0]]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
