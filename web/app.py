"""The web application, put together from small parts in the order in which a request meets them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from importlib import import_module

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from models.session import open_engine, session_factory
from qa.settings import Settings, SettingsError, load_settings
from qa.storage import RecordingStore
from qa.tasks import configure as configure_queue
from web import access, db, errors, hidden_agents, i18n, layout, security
from web.serve import is_loopback

SUBJECTS = (
    "auth", "start", "calls", "call_agents", "uploads", "agents", "score_pages", "critical_errors", "inspectors",
    "reviews", "calibration", "reviewer_checks", "appeals", "coaching", "cases", "notifications", "sampling",
    "sampling_planner", "test_calls", "test_plans", "surveys", "complaints", "praises", "nonvoice", "api", "criteria",
    "scorecards", "rules", "admin",
)  # fmt: skip
IDLE_TIME = timedelta(hours=12)
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def secret_key(settings: Settings) -> str:
    """Return the key that signs sessions; one machine on its own may do with a key made at each start.

    Raises:
        SettingsError: others can reach this server and no key is set.
    """
    given = settings.secret_key.get_secret_value()
    if not given and not is_loopback(settings.host):
        raise SettingsError("HOTLINE_SECRET_KEY: others can reach this server; set 32 or more random characters")
    return given or secrets.token_hex(32)


def trusted_hosts(settings: Settings) -> list[str] | None:
    """Return the host names that requests may be addressed to; on loopback, loopback's own."""
    if settings.allowed_hosts:
        return list(settings.allowed_hosts)
    return [settings.host, *LOOPBACK_NAMES] if is_loopback(settings.host) else None


def configure(app: Flask, settings: Settings) -> None:
    """Give `app` its settings and what they name: database, recordings, queue."""
    app.config.from_mapping(
        SECRET_KEY=secret_key(settings),
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1024 * 1024,
        TRUSTED_HOSTS=trusted_hosts(settings),
        SESSION_COOKIE_NAME="hotline",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=IDLE_TIME,
        # A form is good for as long as its session: a review may take longer than any other limit.
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["settings"] = settings
    app.extensions["session_factory"] = session_factory(open_engine(settings.database_url))
    app.extensions["recordings"] = RecordingStore(settings.storage_url)
    configure_queue(settings)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application for `settings`, by default those of the environment."""
    settings = settings or load_settings()
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    configure(app, settings)

    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    db.init_app(app)
    security.init_app(app)
    CSRFProtect(app)
    i18n.init_app(app)
    # Blueprints are imported late: they bring speech and table libraries that a command line has no need of.
    for subject in SUBJECTS:
        app.register_blueprint(import_module(f"web.{subject}").bp)
    import_module("web.auth").init_app(app)
    import_module("web.api").init_app(app)
    access.init_app(app)
    layout.init_app(app)
    hidden_agents.init_app(app)
    errors.init_app(app)
    return app
