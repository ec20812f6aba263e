"""Mails of news, against a real SMTP server on this machine."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as Conversation
from sqlalchemy.orm import Session, sessionmaker

from models import Notification, Role, User
from models.base import now
from qa.notifications import MAIL_ATTEMPTS, notify
from qa.settings import Settings, SettingsError, load_settings
from tests.conftest import require_program
from tests.factories import make_user
from web.mail import deliver, schedule_mails

UNKNOWN = "nobody@hotline.test"
BUSY = "busy@hotline.test"


class Mailbox:
    """Takes mails, except for two addresses: one that does not exist, one that is full for the moment."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[str] = []

    async def handle_RCPT(
        self, server: SMTP, session: Conversation, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == UNKNOWN:
            return "550 no such mailbox"
        if address == BUSY:
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Conversation, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def login(self, server: SMTP, session: Conversation, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"open sesame")


@contextmanager
def server(box: Mailbox, **options: Any) -> Iterator[int]:
    """Run a mail server with `box` behind it; yield its port."""
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mailing(settings: Settings) -> Callable[..., Settings]:
    def make(port: int, **changed: Any) -> Settings:
        given = {
            "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "mail_from": "qa@hotline.test",
            "public_url": "https://qa.hotline.test",
        }  # fmt: skip
        return Settings(var_dir=settings.var_dir, **(given | changed))

    return make


@pytest.fixture
def agent(session: Session) -> User:
    return reader(session, "agent", locale="en")


def reader(session: Session, login: str, *, email: str | None = None, locale: str | None = "en") -> User:
    user = make_user(session, Role.AGENT, login, locale=locale)
    user.email = email or f"{login}@hotline.test"
    session.commit()
    return user


def tell(session: Session, user: User, **fields: Any) -> Notification:
    told = notify(session, user.id, "coaching.planned", subject=("coaching", 7), day="2026-12-01")
    assert told is not None
    for name, value in fields.items():
        setattr(told, name, value)
    session.commit()
    return told


def test_a_person_gets_one_mail_with_all_news_in_the_own_language(
    session: Session, factory: sessionmaker[Session], box: Mailbox, mailing: Callable[..., Settings]
) -> None:
    chinese, english = reader(session, "wang", locale="zh_CN"), reader(session, "dana", locale="en")
    told = [tell(session, chinese), tell(session, chinese), tell(session, english)]

    with server(box) as port:
        sent = deliver(factory, mailing(port))

    assert sent == 3
    by_address = {mail["To"]: mail for mail in box.mails}
    assert set(by_address) == {"wang@hotline.test", "dana@hotline.test"}
    english_mail = by_address["dana@hotline.test"].get_content()
    assert "A coaching talk is planned for you on 2026-12-01." in english_mail
    assert f"https://qa.hotline.test/notifications/{told[2].id}" in english_mail
    chinese_mail = by_address["wang@hotline.test"].get_content()
    assert chinese_mail.count("2026-12-01") == 2
    assert "A coaching talk" not in chinese_mail
    assert by_address["dana@hotline.test"]["From"] == "qa@hotline.test"
    assert by_address["dana@hotline.test"]["Auto-Submitted"] == "auto-generated"


def test_what_was_mailed_is_not_mailed_again(
    session: Session, agent: User, factory: sessionmaker[Session], box: Mailbox, mailing: Callable[..., Settings]
) -> None:
    told = tell(session, agent)

    with server(box) as port:
        assert [deliver(factory, mailing(port)) for _ in range(3)] == [1, 0, 0]

    session.refresh(told)
    assert told.mailed_at is not None
    assert told.mail_attempts == 1


@pytest.mark.parametrize(
    "fields",
    [{"read_at": now()}, {"created_at": now() - timedelta(days=3)}, {"mail_attempts": MAIL_ATTEMPTS}],
    ids=["read in the page", "days old", "tried often enough"],
)
def test_what_is_no_news_any_more_is_not_mailed(
    session: Session,
    agent: User,
    factory: sessionmaker[Session],
    box: Mailbox,
    mailing: Callable[..., Settings],
    fields: dict[str, Any],
) -> None:
    tell(session, agent, **fields)

    with server(box) as port:
        assert deliver(factory, mailing(port)) == 0
    assert box.mails == []


def test_nobody_without_an_address_or_shut_out_is_written_to(
    session: Session, agent: User, factory: sessionmaker[Session], box: Mailbox, mailing: Callable[..., Settings]
) -> None:
    gone = reader(session, "gone")
    gone.active = False
    agent.email = None
    tell(session, gone)
    tell(session, agent)

    with server(box) as port:
        assert deliver(factory, mailing(port)) == 0


def test_a_server_that_is_away_is_asked_again_a_little_later_and_not_for_ever(
    session: Session, agent: User, factory: sessionmaker[Session], box: Mailbox, mailing: Callable[..., Settings]
) -> None:
    told = tell(session, agent)
    away = mailing(free_port())

    assert deliver(factory, away) == 0
    session.refresh(told)
    assert (told.mailed_at, told.mail_attempts) == (None, 1)

    with server(box) as port:
        assert deliver(factory, mailing(port)) == 0  # the two minutes are not over
        told.created_at = now() - timedelta(minutes=3)
        session.commit()
        assert deliver(factory, mailing(port)) == 1
    session.refresh(told)
    told.created_at, told.mailed_at = now() - timedelta(hours=30), None
    session.commit()
    for _ in range(10):
        deliver(factory, away)
    session.refresh(told)
    assert told.mail_attempts == MAIL_ATTEMPTS


def test_a_wrong_recipient_is_given_up_and_the_others_get_theirs(
    session: Session, factory: sessionmaker[Session], box: Mailbox, mailing: Callable[..., Settings]
) -> None:
    wrong, full, right = (reader(session, name, email=f"{name}@hotline.test") for name in ("nobody", "busy", "dana"))
    lost, waits, arrives = (tell(session, user) for user in (wrong, full, right))

    with server(box) as port:
        assert deliver(factory, mailing(port)) == 1

    for told in (lost, waits, arrives):
        session.refresh(told)
    assert [mail["To"] for mail in box.mails] == ["dana@hotline.test"]
    assert (lost.mailed_at, lost.mail_attempts) == (None, MAIL_ATTEMPTS)
    assert (waits.mailed_at, waits.mail_attempts) == (None, 1)
    assert arrives.mailed_at is not None


def test_a_server_that_does_not_encrypt_gets_neither_mail_nor_password(
    session: Session, agent: User, factory: sessionmaker[Session], box: Mailbox, mailing: Callable[..., Settings]
) -> None:
    told = tell(session, agent)

    with server(box, authenticator=box.login, auth_require_tls=False) as port:
        safe = mailing(port, smtp_security="starttls", smtp_user="qa", smtp_password="open sesame")
        assert deliver(factory, safe) == 0

    session.refresh(told)
    assert told.mailed_at is None
    assert (box.mails, box.logins) == ([], [])


def test_mails_go_encrypted_to_a_server_with_a_trusted_certificate(
    session: Session,
    agent: User,
    factory: sessionmaker[Session],
    box: Mailbox,
    mailing: Callable[..., Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell(session, agent)
    certificate, key = certificate_of(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with server(box, tls_context=context, require_starttls=True, authenticator=box.login) as port:
        safe = mailing(port, smtp_security="starttls", smtp_user="qa", smtp_password="open sesame")
        assert deliver(factory, safe) == 0  # nobody vouches for the server yet
        session.execute(Notification.__table__.update().values(mail_attempts=0))
        session.commit()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert deliver(factory, safe) == 1

    assert box.logins == ["qa"]


def certificate_of(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "mail.pem", folder / "mail.key"
    command = [require_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def test_logs_name_no_address(
    session: Session,
    factory: sessionmaker[Session],
    box: Mailbox,
    mailing: Callable[..., Settings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tell(session, reader(session, "nobody", email=UNKNOWN))

    with caplog.at_level(logging.WARNING), server(box) as port:
        deliver(factory, mailing(port))

    assert "refuses the recipient" in caplog.text
    assert "hotline.test" not in caplog.text


def test_without_a_server_nothing_is_scheduled_or_sent(
    session: Session, agent: User, factory: sessionmaker[Session], settings: Settings
) -> None:
    from celery import Celery

    told = tell(session, agent)
    queue = Celery()
    queue.conf.beat_schedule = {}

    schedule_mails(queue, settings)

    assert queue.conf.beat_schedule == {}
    assert deliver(factory, settings) == 0
    session.refresh(told)
    assert told.mail_attempts == 0


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({}, "HOTLINE_MAIL_FROM"),
        ({"MAIL_FROM": "qa@hotline.test"}, "HOTLINE_PUBLIC_URL"),
        ({"MAIL_FROM": "qa@hotline.test\nBcc: all@hotline.test"}, "HOTLINE_MAIL_FROM"),
        ({"MAIL_FROM": "qa@hotline.test", "PUBLIC_URL": "qa.hotline.test"}, "HOTLINE_PUBLIC_URL"),
        ({"SMTP_SECURITY": "none", "SMTP_PASSWORD": "open sesame"}, "HOTLINE_SMTP_PASSWORD"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], says: str
) -> None:
    for name, value in {"SMTP_HOST": "mail.hotline.test", **names}.items():
        monkeypatch.setenv(f"HOTLINE_{name}", value)

    with pytest.raises(SettingsError, match=says):
        load_settings()
