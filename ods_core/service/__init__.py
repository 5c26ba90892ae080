"""Writes: one public verb per command, one transaction each; and the runtime that pages and API share."""

from ods_core.service.access import ANSWERS_ARE_KEPT, Access, NewKey, TooManyRequests
from ods_core.service.calendars import CalendarLinks, NewLink
from ods_core.service.courier import Courier, CourierPolicy
from ods_core.service.facade import Result, Service, plan, terms_problems, with_schedule
from ods_core.service.people import NewRow, People
from ods_core.service.preparations import Make, Preparation, Preparations, Stage, TooManyExports, Written
from ods_core.service.quoting import quote_for, with_quote
from ods_core.service.runtime import Filling, Runtime, policy_of, require_sign_in, runtime, shut_down, using
from ods_core.service.scheduler import Scheduler
from ods_core.service.webhooks import Replay, WebhookPolicy, Webhooks

__all__ = [
    "ANSWERS_ARE_KEPT",
    "Access",
    "CalendarLinks",
    "Courier",
    "CourierPolicy",
    "Filling",
    "Make",
    "NewKey",
    "NewLink",
    "NewRow",
    "People",
    "Preparation",
    "Preparations",
    "Replay",
    "Result",
    "Runtime",
    "Scheduler",
    "Service",
    "Stage",
    "TooManyExports",
    "TooManyRequests",
    "WebhookPolicy",
    "Webhooks",
    "Written",
    "plan",
    "policy_of",
    "quote_for",
    "require_sign_in",
    "runtime",
    "shut_down",
    "terms_problems",
    "using",
    "with_quote",
    "with_schedule",
]
