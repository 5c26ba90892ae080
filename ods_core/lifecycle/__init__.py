"""States and transitions as data, and the pure rules that follow them."""

from ods_core.lifecycle.commands import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    Negotiate,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
    Reissue,
    Reject,
    Revise,
    Start,
    Submit,
    SubmitRequest,
    Terminate,
)
from ods_core.lifecycle.decide import Outcome, decide, open_engagement
from ods_core.lifecycle.mover import IllegalTransition, Moment, Policy
from ods_core.lifecycle.permission import can, why_not
from ods_core.lifecycle.rules import RULES, TRANSITIONS, Rule, Transition, Verb, verb_of

__all__ = [
    "RULES",
    "TRANSITIONS",
    "Accept",
    "Cancel",
    "Command",
    "Confirm",
    "Decline",
    "IllegalTransition",
    "Moment",
    "Negotiate",
    "Outcome",
    "Policy",
    "Propose",
    "ProposedCycle",
    "ProposedDeliverable",
    "Reissue",
    "Reject",
    "Revise",
    "Rule",
    "Start",
    "Submit",
    "SubmitRequest",
    "Terminate",
    "Transition",
    "Verb",
    "can",
    "decide",
    "open_engagement",
    "verb_of",
    "why_not",
]
