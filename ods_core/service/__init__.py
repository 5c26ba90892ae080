"""Writes: one public verb per command, one transaction each; and the runtime that pages and API share."""

from ods_core.service.facade import Result, Service, plan, terms_problems, with_schedule
from ods_core.service.runtime import Filling, Runtime, runtime, shut_down, using
from ods_core.service.scheduler import Scheduler

__all__ = [
    "Filling",
    "Result",
    "Runtime",
    "Scheduler",
    "Service",
    "plan",
    "runtime",
    "shut_down",
    "terms_problems",
    "using",
    "with_schedule",
]
