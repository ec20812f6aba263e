"""The tables, their constraints, and the small questions that a row can answer about itself."""

from models.audit import AuditEvent
from models.base import Base
from models.calls import Call, CallState, IngestFailure, StoredTranscript
from models.criteria import PhraseSetVersion, ScorecardVersion
from models.outside import (
    Complaint,
    ComplaintOutcome,
    NonVoiceChannel,
    NonVoiceReview,
    Praise,
    Responsibility,
    SurveyKind,
    SurveyRating,
)
from models.people import Agent, LoginFailure, Role, Team, User
from models.published import PublishedPeriod, PublishedScore, SchemeVersion, ScoreAdjustment, ScoreSubject
from models.rules import RuleComparison, StoredRuleCase
from models.sampling import Draw, ReviewAssignment, RiskModel, SampledCall, SamplingPlan
from models.scores import AutoMark, AutoScore, Review, ReviewMark, ReviewReason, ReviewState, TestCall
from models.test_plans import TestAssignment, TestPlan, TestScenario

__all__ = [
    "Agent",
    "AuditEvent",
    "AutoMark",
    "AutoScore",
    "Base",
    "Call",
    "CallState",
    "Complaint",
    "ComplaintOutcome",
    "Draw",
    "IngestFailure",
    "LoginFailure",
    "NonVoiceChannel",
    "NonVoiceReview",
    "PhraseSetVersion",
    "Praise",
    "PublishedPeriod",
    "PublishedScore",
    "Responsibility",
    "Review",
    "ReviewAssignment",
    "ReviewMark",
    "ReviewReason",
    "ReviewState",
    "RiskModel",
    "Role",
    "RuleComparison",
    "SampledCall",
    "SamplingPlan",
    "SchemeVersion",
    "ScoreAdjustment",
    "ScoreSubject",
    "ScorecardVersion",
    "StoredRuleCase",
    "StoredTranscript",
    "SurveyKind",
    "SurveyRating",
    "Team",
    "TestAssignment",
    "TestCall",
    "TestPlan",
    "TestScenario",
    "User",
]  # fmt: skip
