"""What the page of one call shows: its words with their times, its marks with their evidence, its moments.

Only what the reader may see is put in here, so that the templates need not decide it. An agent sees released
reviews, and of the machine's evidence only what bears out a person's answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from models import AutoMark, AutoScore, Call, Review, ReviewMark, Role, ScorecardVersion, TestCall, User
from qa.blind_appeals import contested_of
from qa.calls import SEES_MARKS, calls_to_judge, reviews_seen_by, visible_calls
from qa.criteria import card_of, phrases_of
from qa.reviews import blind_to
from scoring.marks import Answer, Evidence
from scoring.phrase_set import PhraseSet
from transcription.measures import (
    AGENT_CHANNEL_UNKNOWN,
    NO_SPEECH,
    NO_WORD_TIMES,
    ONE_CHANNEL,
    SAME_CHANNELS,
    TOO_FEW_WORDS,
    AudioMeasures,
    Overlap,
    Silence,
)
from transcription.transcript import AGENT, CUSTOMER, Transcript, Turn, Word
from web.i18n import N_, SPEAKERS, named
from web.rule_words import stored_in_words

LONG_SILENCE = 5.0  # seconds: shorter ones are the breathing of a talk
DOUBTFUL = 0.5  # recogniser confidence under which a word is marked
TOGETHER = 0.5  # seconds: signs on the timeline that would hide each other
SIGN_WIDTH = 12  # pixels
WORD_SEARCH = 12  # characters: a word of the recogniser is looked for this far ahead in its turn
WHY_NOT_MEASURABLE: dict[str, str] = {
    ONE_CHANNEL: N_("both sides share one channel"),
    SAME_CHANNELS: N_("both channels hold the same sound"),
    AGENT_CHANNEL_UNKNOWN: N_("it is not known which channel is the agent"),
    NO_SPEECH: N_("nobody speaks"),
    NO_WORD_TIMES: N_("the transcript has no times of single words"),
    TOO_FEW_WORDS: N_("too little was said"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a turn's text: the written characters, and the word with its times that they are."""

    text: str
    word: Word | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the transcript."""

    index: int
    turn: Turn
    text: str
    words: str  # where they stand in the text and when they are said, see `word_times`
    items: list[tuple[str, str]]  # scorecard items that have evidence here, with the answer


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What one inspector answered to an item."""

    review: Review
    mark: ReviewMark


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item of the scorecard with every answer to it."""

    id: str
    name: str
    weight: float | None
    auto: AutoMark | None = None
    evidence: list[Evidence] = field(default_factory=list)
    people: list[PersonAnswer] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """The machine's answer counts, or it could not tell, and no person has looked yet."""
        if self.auto is None or self.people or self.auto.answer == Answer.NOT_APPLICABLE:
            return False
        return self.auto.needs_person

    @property
    def for_person(self) -> bool:
        """The machine has no rule for this item."""
        if self.auto is None or self.auto.answer != Answer.CANNOT_TELL:
            return False
        return not any(evidence.rule for evidence in self.evidence)


@dataclass(frozen=True, slots=True)
class SectionView:
    id: str
    name: str
    points: float | None
    possible: float | None
    items: list[ItemView]


@dataclass(frozen=True, slots=True)
class FatalView:
    """A fatal item that the machine suspects, or that a person has decided on."""

    id: str
    name: str
    suspected: bool
    evidence: list[Evidence]
    people: list[PersonAnswer]


@dataclass(frozen=True, slots=True)
class Moment:
    """A place on the timeline where an item has evidence."""

    at: float
    item: str
    name: str
    answer: str
    shift: int = 0  # pixels to the right of its place, where another sign is there already


@dataclass(frozen=True, slots=True)
class CallView:
    """Everything on the page of one call."""

    call: Call
    transcript: Transcript | None
    lines: list[Line]
    measures: AudioMeasures | None
    silences: list[Silence]
    overlaps: list[Overlap]
    score: AutoScore | None  # None for agents
    card: ScorecardVersion | None
    sections: list[SectionView]
    fatals: list[FatalView]
    reviews: list[Review]
    moments: list[Moment]
    test_call: TestCall | None
    channel_names: list[str]  # speaker of each channel: "agent", "customer" or "unknown"
    contested: bool = False  # a blind appeal about it is the reader's to decide: no mark is in here


def find_call(session: Session, user: User, call_id: int) -> Call | None:
    """Return the call with all that its page needs, when `user` may see it."""
    wanted = visible_calls(user).where(Call.id == call_id)
    return session.scalar(
        wanted.options(
            joinedload(Call.agent),
            joinedload(Call.transcript),
            joinedload(Call.auto_score).joinedload(AutoScore.scorecard),
            joinedload(Call.auto_score).selectinload(AutoScore.marks),
            selectinload(Call.reviews).selectinload(Review.marks),
            selectinload(Call.reviews).joinedload(Review.inspector),
            selectinload(Call.reviews).joinedload(Review.scorecard),
        )
    )


def call_view(session: Session, user: User, call: Call, *, blind: bool = False, alone: bool = False) -> CallView:
    """Put together the page of `call` for `user`, who may see it.

    Args:
        blind: leave out all that the machine's marks say.
        alone: leave out what people answered.
    """
    stored = call.transcript
    transcript = Transcript.from_dict(stored.content) if stored else None
    measures = AudioMeasures.from_dict(stored.measures) if stored and stored.measures else None
    judging = call.id in calls_to_judge(session, user, [call.id])
    reviews = [] if alone else reviews_seen_by(user, call.reviews, judging=judging)
    blind = blind or blind_to(session, user, call)
    score = call.auto_score if user.role in SEES_MARKS and not blind else None
    newest = max(reviews, key=lambda review: review.id, default=None)
    card = score.scorecard if score else newest.scorecard if newest else None
    sections, fatals = _marks(call, card, score, reviews) if card else ([], [])
    tested = session.scalar(select(TestCall).where(TestCall.call_id == call.id)) if score else None
    return CallView(
        call=call,
        transcript=transcript,
        lines=_lines(transcript, sections, fatals) if transcript else [],
        measures=measures,
        silences=[s for s in measures.silences if s.end - s.start >= LONG_SILENCE] if measures else [],
        overlaps=list(measures.overlaps or ()) if measures else [],
        score=score,
        card=card,
        sections=sections,
        fatals=fatals,
        reviews=reviews,
        moments=_moments(sections, fatals),
        test_call=tested,
        channel_names=channel_names(call),
        contested=call.id in contested_of(session, user, [call.id]),
    )


def channel_names(call: Call) -> list[str]:
    """Return who is on each channel of the recording, in order.

    >>> channel_names(Call(channels=2, agent_channel=1))
    ['customer', 'agent']
    """
    if call.channels == 2 and call.agent_channel in (0, 1):
        return [AGENT, CUSTOMER] if call.agent_channel == 0 else [CUSTOMER, AGENT]
    return ["unknown"] * (call.channels or 0)


def why_not(measures: AudioMeasures, name: str, side: str | None = None) -> str | None:
    """Return why a measure has no value, in the page's language; None when it is not said."""
    reasons = measures.not_measurable
    reason = reasons.get(name) or reasons.get(f"{name}.{side}")
    return named(WHY_NOT_MEASURABLE, reason) if reason else None


def side_name(side: str) -> str:
    """Return the name of a side of the measures: a speaker, or a channel whose speaker nobody knows."""
    if side.startswith("channel "):
        return gettext("Channel %(n)s", n=int(side.removeprefix("channel ")) + 1)
    return named(SPEAKERS, side)


def written(turn: Turn, language: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text of `turn` as it is shown, and where in it each of its words begins and ends.

    A transcript's text may have punctuation and spaces that its words lack; where the two differ altogether the
    words are shown.
    """
    if not turn.words:
        return turn.text, []
    places: list[tuple[int, int]] = []
    end, folded = 0, turn.text.lower()
    if len(folded) == len(turn.text):
        for word in turn.words:
            text = word.text.strip()
            start = folded.find(text.lower(), end, end + len(text) + WORD_SEARCH)
            if start < 0 or not text:
                break
            end = start + len(text)
            places.append((start, end))
        else:
            return turn.text, places
    between = "" if language.startswith("zh") else " "
    texts = [word.text.strip() for word in turn.words]
    ends = list(accumulate(len(text) + len(between) for text in texts))
    starts = [0, *ends]
    return "".join(text + between for text in texts), [
        (start, start + len(text)) for start, text in zip(starts, texts, strict=False)
    ]


def pieces(turn: Turn, language: str) -> list[Piece]:
    """Return the text of `turn` cut at its words."""
    text, places = written(turn, language)
    found: list[Piece] = []
    at = 0
    for word, (start, end) in zip(turn.words, places, strict=True):
        found += [Piece(text[at:start])] if start > at else []
        found.append(Piece(text[start:end], word))
        at = end
    return [*found, Piece(text[at:])] if at < len(text) else found


def word_times(words: Sequence[Word], places: Sequence[tuple[int, int]]) -> str:
    """Return the words of a text in the short form that the page's script cuts it by (see call_transcript.js).

    Of each word the characters since the last one, its own, its start and end in seconds, and the recogniser's
    confidence in per cent where it is doubtful.

    >>> word_times([Word("good", 0.5, 0.9), Word("day", 0.9, 1.2, 0.3)], [(0, 4), (5, 8)])
    '0:4:0.50:0.90 1:3:0.90:1.20:30'
    """
    found, at = [], 0
    for word, (start, end) in zip(words, places, strict=True):
        sure = "" if word.confidence is None or word.confidence >= DOUBTFUL else f":{100 * word.confidence:.0f}"
        found.append(f"{start - at}:{end - start}:{word.start:.2f}:{word.end:.2f}{sure}")
        at = end
    return " ".join(found)


def _lines(transcript: Transcript, sections: Sequence[SectionView], fatals: Sequence[FatalView]) -> list[Line]:
    marked: dict[int, list[tuple[str, str]]] = {}
    for item, answer, evidence in _all_evidence(sections, fatals):
        if evidence.turn is not None and evidence.start is not None:
            badges = marked.setdefault(evidence.turn, [])
            if (item.id, answer) not in badges:
                badges.append((item.id, answer))
    lines = []
    for index, turn in enumerate(transcript.turns):
        text, places = written(turn, transcript.language)
        lines.append(Line(index, turn, text, word_times(turn.words, places), marked.get(index, [])))
    return lines


def _all_evidence(
    sections: Sequence[SectionView], fatals: Sequence[FatalView]
) -> Iterator[tuple[ItemView | FatalView, str, Evidence]]:
    for item in chain.from_iterable(section.items for section in sections):
        for evidence in item.evidence:
            yield item, evidence.verdict, evidence
    for fatal in fatals:
        for evidence in fatal.evidence:
            yield fatal, Answer.NOT_MET, evidence


def _moments(sections: Sequence[SectionView], fatals: Sequence[FatalView]) -> list[Moment]:
    found = {
        (round(evidence.start, 1), item.id): Moment(evidence.start, item.id, item.name, answer)
        for item, answer, evidence in _all_evidence(sections, fatals)
        if evidence.start is not None
    }
    return _side_by_side(sorted(found.values(), key=lambda moment: moment.at))


def _side_by_side(moments: Sequence[Moment]) -> list[Moment]:
    """Return `moments` with those that begin together moved apart, so that none hides another."""
    placed: list[Moment] = []
    for moment in moments:
        before = placed[-1] if placed else None
        together = before is not None and moment.at - before.at < TOGETHER
        placed.append(replace(moment, shift=before.shift + SIGN_WIDTH) if before and together else moment)
    return placed


def _marks(
    call: Call, version: ScorecardVersion, score: AutoScore | None, reviews: Sequence[Review]
) -> tuple[list[SectionView], list[FatalView]]:
    """Return the sections and fatal items of the scorecard, with the machine's and people's answers."""
    card, phrases = card_of(version), phrases_of(version)
    people: dict[str, list[PersonAnswer]] = {}
    for review in reviews:
        for mark in review.marks:
            people.setdefault(mark.item, []).append(PersonAnswer(review, mark))
    autos = {mark.item: mark for mark in call.auto_score.marks} if call.auto_score else {}
    totals = {total["section"]: total for total in (score.summary.get("sections") or [])} if score else {}

    def view(item: Any) -> ItemView:
        auto, answers = autos.get(item.id), people.get(item.id, [])
        evidence = [stored_in_words(data, phrases) for data in auto.evidence] if auto else []
        if score is None and auto and all(auto.answer != answer.mark.answer for answer in answers):
            evidence = []
        weight = getattr(item, "weight", None)
        return ItemView(item.id, item.name, weight, auto if score else None, evidence, answers)

    sections = [
        SectionView(
            section.id,
            section.name,
            totals.get(section.id, {}).get("points"),
            totals.get(section.id, {}).get("possible"),
            [view(item) for item in section.items],
        )
        for section in card.sections
    ]
    if card.bonus:
        sections.append(SectionView("bonus", "", None, None, [view(item) for item in card.bonus]))
    return sections, _fatals(card.fatal, score, people, phrases)


def _fatals(
    items: Sequence[Any],
    score: AutoScore | None,
    people: Mapping[str, list[PersonAnswer]],
    phrases: PhraseSet | None,
) -> list[FatalView]:
    """Return the fatal items that are suspected by the machine or confirmed by a person, suspected ones first."""
    findings = {found["item"]: found for found in (score.summary.get("fatals") or [])} if score else {}
    views = []
    for item in items:
        found = findings.get(item.id, {})
        suspected = found.get("suspected") == Answer.NOT_MET
        answers = [answer for answer in people.get(item.id, []) if suspected or answer.mark.answer == Answer.NOT_MET]
        if suspected or answers:
            evidence = [stored_in_words(data, phrases) for data in found.get("evidence", [])] if suspected else []
            views.append(FatalView(item.id, item.name, suspected, evidence, answers))
    return sorted(views, key=lambda view: not view.suspected)


def may_retry(user: User, call: Call) -> bool:
    """Return whether `user` may have a failed call worked on again."""
    return user.role in SEES_MARKS and user.role is not Role.AGENT and call.state == "failed"
