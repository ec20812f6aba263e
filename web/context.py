"""What a request may reach besides the database: the settings and the recordings."""

from __future__ import annotations

from typing import cast

from flask import current_app
from werkzeug.local import LocalProxy

from qa.settings import Settings
from qa.storage import RecordingStore

settings = cast(Settings, LocalProxy(lambda: current_app.extensions["settings"]))
store = cast(RecordingStore, LocalProxy(lambda: current_app.extensions["recordings"]))
