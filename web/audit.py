"""Leave a trace of what was looked at or carried away."""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request, request
from flask_login import current_user

from models.session import transaction
from qa import audit
from web.db import current_factory


def address() -> str | None:
    """Return the network address that the request came from."""
    return request.remote_addr


def seen(action: str, kind: str | None = None, subject_id: int | None = None, **details: Any) -> None:
    """Record that the current user saw or exported something, once the view has answered.

    For views that only read: they have no transaction of their own to write in. `details` holds ids and
    settings of the request, never anybody's words. An answer that is an error leaves no trace.
    """
    user_id = current_user.id if current_user.is_authenticated else None
    subject = (kind, subject_id) if kind is not None and subject_id is not None else None

    @after_this_request
    def write(response: Response) -> Response:
        if response.status_code < 400:
            with transaction(current_factory()) as session:
                audit.record(session, action, user_id=user_id, subject=subject, address=address(), **details)
        return response
