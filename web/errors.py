"""One shape for everything that goes wrong: a plain page for people, JSON for scripts, never a stack trace."""

from __future__ import annotations

from flask import Flask, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from web.i18n import N_

# Status: what happened, and what to do about it.
MESSAGES = {
    400: (N_("This request could not be understood"), N_("Go back, check what you entered and send it again.")),
    401: (N_("Please log in"), N_("Your session has ended. Log in and try again.")),
    403: (N_("This page is not open to you"), N_("Your role does not include it. Ask an administrator if it should.")),
    404: (N_("There is nothing here"), N_("The address may be mistyped, or what it showed is not yours to see.")),
    405: (N_("This request could not be understood"), N_("Open the page from the navigation and try again.")),
    413: (N_("The file is too large"), N_("Choose a smaller file, or ask an administrator to raise the limit.")),
    429: (N_("Too many attempts"), N_("Wait 15 minutes and try again.")),
    500: (N_("Something went wrong on our side"), N_("It has been logged. Try again, or tell an administrator.")),
}
CSRF_EXPIRED = (
    N_("The form was open for too long"),
    N_("Your session ended in the meantime and nothing was saved. Go back, reload the page and send it again."),
)


def wants_json() -> bool:
    """Return whether a script asked rather than a person following a link."""
    if "HX-Request" in request.headers:
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def describe(status: int, words: tuple[str, str] | None = None) -> ResponseReturnValue:
    """Return the answer for `status`, in the asker's language and form."""
    title, advice = words or MESSAGES.get(status) or MESSAGES[500 if status >= 500 else 400]
    if wants_json():
        body = {"error": {"status": status, "message": gettext(title), "advice": gettext(advice)}}
        return jsonify(body), status
    return render_template("error.html", status=status, heading=gettext(title), advice=gettext(advice)), status


def handle_http(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, SecurityError):  # a host name that is not ours: no address can be built for a page
        return Response(gettext(MESSAGES[400][0]), 400, mimetype="text/plain")
    if error.code is None or error.code < 400:  # a redirect of the router
        return error.get_response()
    if error.code >= 500:
        return handle_crash(error)
    if error.response is not None:
        return error.response
    return describe(error.code)


def handle_csrf(_error: CSRFError) -> ResponseReturnValue:
    return describe(400, CSRF_EXPIRED)


def handle_crash(_error: Exception) -> ResponseReturnValue:
    """Answer an unexpected error. Flask has logged it; the page asks nothing of the database, which may be down."""
    g.bare_page = True
    return describe(500)


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, handle_http)
    app.register_error_handler(CSRFError, handle_csrf)
    app.register_error_handler(InternalServerError, handle_crash)
