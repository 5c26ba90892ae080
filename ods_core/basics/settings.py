"""Settings, read once from the environment and checked at start.

docs/settings.md is made from the descriptions below.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from ods_core.basics.clock import Clock, clock_from
from ods_core.basics.logs import LogFormat, LogLevel
from ods_core.basics.money import exponent

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATABASE = f"duckdb:///{ROOT / 'data' / 'ods.duckdb'}"


class ReviewPolicy(StrEnum):
    """What becomes of a rejection that nobody could act on."""

    ADVISE = "advise"
    ENFORCE = "enforce"


class Settings(BaseSettings):
    """What can be set from outside; each field `x` is the environment variable `ODS_X`."""

    model_config = SettingsConfigDict(env_prefix="ODS_", frozen=True, extra="ignore")

    database_url: str = Field(
        DEFAULT_DATABASE, description="The database: `duckdb:///PATH`, or `postgresql+psycopg://…`."
    )
    analytics_url: str = Field(
        "",
        description="A replica of a PostgreSQL database, `postgresql+psycopg://…`, from which metrics, outcomes and "
        "exports are read; docs/scaling.md. Empty: they are read from the database itself.",
    )
    demo: bool = Field(True, description="Fill an empty database with the demo engagements at first start.")
    clock: str = Field(
        "",
        description="Empty: the system's clock. A time such as `2026-04-15T10:00:00Z`: a clock that stands there. "
        "`@FILE`: a clock that reads its time from that file. For tests and demonstrations.",
    )
    lead_time_days: int = Field(
        2, ge=0, le=60, description="Working days the provider needs between confirmation and the start of cycle 1."
    )
    remediation_days: int = Field(7, ge=1, le=365, description="Planned length of a remediation cycle, in days.")
    proposal_days: int = Field(
        14, ge=1, le=365, description="Days a proposal stays valid when it does not name its `valid_until`."
    )

    reminder_days: int = Field(
        2,
        ge=1,
        le=60,
        description="Days before the end of a review window, or of a proposal, at which a reminder is written; "
        "half-way through a shorter one.",
    )
    review_reminder_days: int = Field(
        5, ge=1, le=365, description="Days that a review without a window waits until a reminder is written."
    )
    review_days: int = Field(
        3,
        ge=0,
        le=365,
        description="Days that a review is taken to need, in the expected dates of payments, until eight decisions "
        "tell how long reviews take here.",
    )
    scheduler_seconds: int = Field(
        10, ge=1, le=3600, description="Seconds between two looks for reminders and decisions that are due."
    )

    log_format: LogFormat = Field(
        LogFormat.TEXT, description="Logs on standard error: `text` for people, `json` for programs."
    )
    log_level: LogLevel = Field(
        LogLevel.INFO, description="From which level on lines are logged: `debug`, `info`, `warning`, `error`."
    )

    rate_per_key: int = Field(3_000, ge=1, description="Requests that an API key has a minute.")
    rate_per_address: int = Field(
        6_000, ge=1, description="Requests that an address has a minute, once the API asks for keys."
    )
    wrong_keys_per_address: int = Field(
        30, ge=1, description="API keys that are not good an address may try a minute before it has to wait."
    )

    admins: str = Field(
        "",
        description="Where people sign in: who looks after the whole installation, whatever the mapping says: e-mail "
        "addresses that the provider has verified, or values of `sub`, with commas between them.",
    )
    sign_in_hours: int = Field(
        12, ge=1, le=720, description="Hours after which somebody who signed in is asked to sign in again."
    )

    reporting_currency: str = Field(
        "",
        description="The currency that sums across currencies are told in on the Payments page unless another is "
        "chosen there, as ISO 4217; the exchange rates must have it. Empty: no sum across currencies.",
    )
    exchange_rates: str = Field(
        "data/rates/exchange.toml",
        description="The file with the exchange rates; a relative path starts where the program is.",
    )

    @field_validator("reporting_currency")
    @classmethod
    def _is_a_currency(cls, value: str) -> str:
        if value:
            exponent(value)
        return value

    parties: Path = Field(
        ROOT / "data" / "parties.toml",
        description="The file with the names and addresses that invoices are from and to; docs/invoices.md shows one.",
    )
    invoice_note: str = Field(
        "", max_length=1_000, description="A sentence at the foot of each invoice: how tax is treated, where to pay."
    )
    review_policy: ReviewPolicy = Field(
        ReviewPolicy.ADVISE,
        description="What becomes of a rejection that the reason checker flags: `advise` takes it and answers with "
        "`warnings`, `enforce` refuses it (422).",
    )

    webhook_allow_private: bool = Field(
        False,
        description="Send webhooks to this machine and its own network, too. For tests, and for receivers inside.",
    )
    webhook_connect_seconds: float = Field(
        5, gt=0, le=60, description="Seconds that a webhook's receiver has to take a connection."
    )
    webhook_read_seconds: float = Field(
        10, gt=0, le=120, description="Seconds that it has to answer; what comes later counts as a failure."
    )
    webhook_first_retry_seconds: float = Field(
        5,
        gt=0,
        le=3600,
        description="Seconds until a failed webhook is sent again; each further wait is three times "
        "as long, up to a ninth of the whole time.",
    )
    webhook_retry_days: float = Field(
        3,
        gt=0,
        le=30,
        description="Days after which a webhook that keeps failing is given up, and its endpoint "
        "disabled if nothing else got through either.",
    )
    webhook_overlap_hours: float = Field(
        24,
        ge=0,
        le=720,
        description="Hours for which messages are signed with the old secret, too, once an endpoint has a new one.",
    )
    webhook_log_days: int = Field(30, ge=4, le=3650, description="Days for which attempts to deliver are kept.")
    mirror_url: str = Field(
        "",
        description="Another server of this API to follow, such as `https://ods.example.com`: its engagements are kept "
        "here for the pages and figures, and commands given here go there; docs/mirror.md. Empty: none.",
    )
    mirror_key: SecretStr = Field(SecretStr(""), description="The API key for the server that is followed.")
    mirror_seconds: int = Field(
        5, ge=1, le=3600, description="Seconds between two looks at the server that is followed."
    )

    @field_validator("mirror_url")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("expected an address such as https://ods.example.com")
        return value.rstrip("/")

    @field_validator("clock")
    @classmethod
    def _clock_can_be_read(cls, value: str) -> str:
        clock_from(value)
        return value

    @property
    def exchange_rates_file(self) -> Path:
        """Where the exchange rates are."""
        return ROOT / self.exchange_rates

    @property
    def administrators(self) -> frozenset[str]:
        """Who looks after the whole installation: e-mail addresses and values of `sub`."""
        return frozenset(one.strip() for one in self.admins.split(",") if one.strip())

    @cached_property
    def now(self) -> Clock:
        """The clock that the settings ask for."""
        return clock_from(self.clock)


def settings_document() -> str:
    """docs/settings.md, from the fields above."""
    rows = [f"| `ODS_{name.upper()}` | {_default(name)} | {field.description} |" for name, field in _fields().items()]
    head = (
        "# Settings\n\nSet from the environment, read once, checked at start. Made from the code by "
        "`python -m ods_core document`.\n\n| variable | default | what it sets |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _fields() -> dict[str, FieldInfo]:
    return dict(Settings.model_fields)


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    if name == "database_url":
        return "a DuckDB file under `data/`"
    if name == "parties":
        return "`data/parties.toml`"
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value}`" if str(value) != "" else "empty"
