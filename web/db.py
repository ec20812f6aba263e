"""One database session per request.

A request that may change something begins as a writer, so that it waits its turn rather than fail halfway
(see models.session.begin_write). Its view commits once; whatever was not committed is rolled back.
"""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.local import LocalProxy

from models.session import begin_write

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def current_factory() -> sessionmaker[Session]:
    """Return the maker of sessions, for work that needs a transaction of its own."""
    factory: sessionmaker[Session] = current_app.extensions["session_factory"]
    return factory


def current_session() -> Session:
    """Return this request's session, made at its first use."""
    if "session" not in g:
        g.session = current_factory()()
        if has_request_context() and request.method not in READING:
            begin_write(g.session)
    opened: Session = g.session
    return opened


session = cast(Session, LocalProxy(current_session))


def close_session(_error: BaseException | None = None) -> None:
    opened: Session | None = g.pop("session", None)
    if opened is not None:
        opened.close()


def init_app(app: Flask) -> None:
    app.teardown_appcontext(close_session)
