"""Logs: one line an event, with the request it belongs to, and without what must not be read there.

Lines go to standard error, for people (`ODS_LOG_FORMAT=text`) or for programs (`json`). Bodies, texts of people and
their names are never written; what looks like a key, a webhook's secret or a password in an address is masked.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from typing import Any

import structlog
from structlog.typing import Processor

LOGGER = "ods"
_SECRETS = (
    (re.compile(r"(ods_[0-9a-f]{16})_[A-Za-z0-9_-]{20,}"), r"\1_…"),
    (re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}"), "whsec_…"),
    (re.compile(r"(?i)(bearer\s+)(?!ods_)\S+"), r"\1…"),
    (re.compile(r"(://[^/\s:@]+:)[^/\s@]+@"), r"\1…@"),
    (re.compile(r"(/calendar/|/downloads/)[A-Za-z0-9_-]{8,}"), r"\1…"),
)


class LogFormat(StrEnum):
    """Who reads the logs."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def masked(text: str) -> str:
    """The text without what opens a door."""
    for form, shown in _SECRETS:
        text = form.sub(shown, text)
    return text


def _mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = masked(value)
    return event


def configure(format: LogFormat = LogFormat.TEXT, level: LogLevel = LogLevel.INFO) -> None:
    """Have everything that this program logs written in one form; other libraries' lines stay as they are."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        _mask,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format == LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logger = logging.getLogger(LOGGER)
    logger.handlers = [handler]
    logger.setLevel(level.value.upper())
    logger.propagate = False
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
