"""Headers that tell browsers what a page of ours may do: load its own files, and nothing else."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from web.context import settings
from web.layout import static_version

YEAR = 365 * 24 * 3600


def csp_nonce() -> str:
    """Return this request's nonce for styles that a script of ours adds (the waveform needs one)."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def content_policy() -> str:
    """Return the Content-Security-Policy of a page. No inline script, no other host."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{csp_nonce()}'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "font-src 'self' data:",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    )


def add_headers(response: Response) -> Response:
    headers = response.headers
    headers["Content-Security-Policy"] = content_policy()
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    headers["Cache-Control"] = cache_control(response)
    return response


def cache_control(response: Response) -> str:
    """Private pages are not kept anywhere; files of the application are kept for as long as they are the same."""
    if request.endpoint == "static" and response.status_code < 400:
        current = (request.view_args or {}).get("version") == static_version()
        return f"public, max-age={YEAR}, immutable" if current else "public, no-cache"
    if response.cache_control.private:  # the view knows better, for instance for sound that is sought in
        return str(response.cache_control)
    return "no-store"


def init_app(app: Flask) -> None:
    app.after_request(add_headers)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
