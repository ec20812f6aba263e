"""The tables, their constraints, and the small questions that a row can answer about itself."""

from models.audit import AuditEvent
from models.base import Base
from models.calls import Call, CallState, IngestFailure, StoredTranscript
from models.criteria import PhraseSetVersion, ScorecardVersion
from models.people import Agent, LoginFailure, Role, Team, User
from models.scores import AutoMark, AutoScore, Review, ReviewMark, ReviewReason, ReviewState, TestCall

__all__ = [
    "Agent", "AuditEvent", "AutoMark", "AutoScore", "Base", "Call", "CallState", "IngestFailure",
    "LoginFailure", "PhraseSetVersion", "Review", "ReviewMark", "ReviewReason", "ReviewState", "Role",
    "ScorecardVersion", "StoredTranscript", "Team", "TestCall", "User",
]  # fmt: skip
