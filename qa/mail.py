"""Mails, handed to the organisation's own mail server by SMTP.

A mail is plain text, goes to one person and never over an unencrypted connection that was meant to be encrypted.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from qa.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT = 20.0  # seconds that the server may take for one answer
PERMANENT = range(500, 600)  # replies that stay the same however often one asks (RFC 5321, section 4.2.1)


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is told, in their language; `news` are the ids of the notifications in it."""

    to: str
    subject: str
    body: str
    news: tuple[int, ...]


@dataclass(slots=True)
class Posted:
    """What became of letters, by the ids of their notifications."""

    sent: list[int] = field(default_factory=list)
    later: list[int] = field(default_factory=list)  # another attempt may help
    refused: list[int] = field(default_factory=list)  # the server knows no such recipient


def post(settings: Settings, letters: Sequence[Letter]) -> Posted:
    """Hand `letters` over in one connection and say what became of each; a server that is away is no error."""
    posted = Posted()
    done = 0
    try:
        with _server(settings) as server:
            for letter in letters:
                _hand_over(server, settings, letter, posted)
                done += 1
    except OSError as error:  # smtplib's errors are OSErrors too
        log.warning("the mail server did not take %s mails: %s", len(letters) - done, _named(error))
        posted.later += [told for letter in letters[done:] for told in letter.news]
    return posted


@contextmanager
def _server(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Yield a connection to the mail server, encrypted and logged in as the settings say.

    Raises:
        OSError: it cannot be reached, does not encrypt, or refuses the login.
    """
    context = ssl.create_default_context()
    place = (settings.smtp_host, settings.smtp_port)
    server = (
        smtplib.SMTP_SSL(*place, timeout=TIMEOUT, context=context)
        if settings.smtp_security == "tls"
        else smtplib.SMTP(*place, timeout=TIMEOUT)
    )
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        yield server


def _hand_over(server: smtplib.SMTP, settings: Settings, letter: Letter, posted: Posted) -> None:
    try:
        server.send_message(_message(settings, letter))
    except smtplib.SMTPRecipientsRefused as error:
        for_good = all(code in PERMANENT for code, _ in error.recipients.values())
        log.warning("the mail server refuses the recipient of notifications %s", letter.news)
        (posted.refused if for_good else posted.later).extend(letter.news)
    except smtplib.SMTPResponseException as error:
        log.warning("the mail server refuses notifications %s: %s", letter.news, _named(error))
        posted.later.extend(letter.news)
    else:
        posted.sent.extend(letter.news)


def _message(settings: Settings, letter: Letter) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=settings.mail_from.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # no answer of a holiday notice, please (RFC 3834)
    message.set_content(letter.body)
    return message


def _named(error: OSError) -> str:
    """Return the kind of an error and the server's code, without addresses."""
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
