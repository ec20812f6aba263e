"""Mails of what people are told, each in their own language; the worker sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from celery import Celery
from flask import Flask
from flask_babel import force_locale, gettext, ngettext
from sqlalchemy.orm import Session, sessionmaker

from models import Notification, User
from models.session import transaction
from qa.mail import Letter, post
from qa.notifications import claim_mail, filled, give_back, kind_of
from qa.settings import Settings
from qa.tasks import app as queue
from qa.tasks import workplace
from web import i18n

MAIL_SECONDS = 60.0


@queue.task(name="web.mail.send_mails")
def send_mails() -> int:
    """Mail what people were told since the last time; return how many notifications went out."""
    place = workplace()
    return deliver(place.factory, place.settings)


def schedule_mails(queue: Celery, settings: Settings) -> None:
    """Have the worker send mails, if there is a server for them."""
    if settings.smtp_host:
        queue.conf.beat_schedule["mail"] = {"task": send_mails.name, "schedule": MAIL_SECONDS}


def deliver(factory: sessionmaker[Session], settings: Settings) -> int:
    """Send what is due and return how many notifications went out.

    They are noted as mailed before they are sent: a crash in between loses a mail (the page still has the news)
    rather than sending it twice.
    """
    if not settings.smtp_host:
        return 0
    with transaction(factory) as session:
        letters = written(settings, claim_mail(session))
    if not letters:
        return 0
    posted = post(settings, letters)
    if posted.later or posted.refused:
        with transaction(factory) as session:
            give_back(session, posted.later)
            give_back(session, posted.refused, for_good=True)
    return len(posted.sent)


def written(settings: Settings, news: Mapping[User, Sequence[Notification]]) -> list[Letter]:
    """Return one letter for each person, in the person's language."""
    pages = Flask("web")  # carries the translations and nothing else
    pages.extensions["settings"] = settings
    i18n.init_app(pages)
    letters = []
    with pages.app_context():
        for person, told in news.items():
            with force_locale(person.locale or settings.locale):
                letters.append(_letter(settings, person, told))
    return letters


def _letter(settings: Settings, person: User, news: Sequence[Notification]) -> Letter:
    first = filled(gettext(kind_of(news[0]).sentence), news[0])
    subject = first if len(news) == 1 else ngettext("%(num)s notification", "%(num)s notifications", len(news))
    lines = [
        f"- {filled(gettext(kind_of(told).sentence), told)}\n  {settings.public_url}/notifications/{told.id}"
        for told in news
    ]
    ending = gettext("You get this mail because your login at Hotline QA has this address.")
    assert person.email is not None
    return Letter(
        to=person.email,
        subject=f"[{gettext('Hotline QA')}] {' '.join(subject.split())}",
        body="\n".join([*lines, "", "-- ", ending, ""]),
        news=tuple(told.id for told in news),
    )
