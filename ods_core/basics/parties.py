"""Who an invoice is from and to: names and addresses, as the installation's owner wrote them down.

An organisation is a reference here; what its invoices are to be addressed to stands in one TOML file:

    [provider]
    name = "Northwind Delivery GmbH"
    address = ["Hauptstraße 1", "10115 Berlin", "Germany"]
    tax_id = "DE123456789"

    [organizations.ORG-26-090500]
    name = "Contoso Ltd"
    address = ["1 High Street", "London EC1A 1AA"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ods_core.basics.errors import StoreError

ADDRESS_LINES = 6
LINE = 120


@dataclass(frozen=True, slots=True)
class Party:
    """One side of an invoice; `address` in lines, `tax_id` empty where there is none."""

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """`{"name", "address", "tax_id"}`."""
        return {"name": self.name, "address": list(self.address), "tax_id": self.tax_id}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Party:
        """What `as_json` made."""
        return cls(data["name"], tuple(data["address"]), data["tax_id"])


UNNAMED_PROVIDER = Party("Provider")


@dataclass(frozen=True, slots=True)
class Parties:
    """The provider, and the organisations that have more than their reference."""

    provider: Party = UNNAMED_PROVIDER
    organizations: Mapping[str, Party] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, organization_id: str) -> Party:
        """An organisation's party; one that is not written down goes by its reference."""
        return self.organizations.get(organization_id, Party(organization_id))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class _Party(_Strict):
    name: str = Field(min_length=1, max_length=LINE)
    address: list[str] = Field(default_factory=list, max_length=ADDRESS_LINES)
    tax_id: str = Field("", max_length=60)

    def party(self) -> Party:
        return Party(self.name, tuple(self.address), self.tax_id)


class _File(_Strict):
    provider: _Party | None = None
    organizations: dict[str, _Party] = Field(default_factory=dict)


def read_parties(path: Path) -> Parties:
    """What a file says of the parties; a file that is not there says nothing.

    Raises:
        StoreError: it is there and cannot be used; says where and what was expected.
    """
    if not path.exists():
        return Parties()
    try:
        given = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StoreError(f"the parties file {path} cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"the parties file {path} is wrong at {place}: {first['msg']}") from None
    organizations = {id: party.party() for id, party in given.organizations.items()}
    provider = given.provider.party() if given.provider else UNNAMED_PROVIDER
    return Parties(provider, MappingProxyType(organizations))
