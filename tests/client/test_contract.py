"""Every call of the server's description has its method, with its parameters, and there is no other method."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

import ods_core.client
from ods_core.api import build
from ods_core.client import UNSET
from ods_core.client.calls import Answered, Call, Filed, Listed
from ods_core.client.contract import Contract

OPENAPI = build().openapi()
METHODS: dict[str, Callable[..., Call[Any]]] = {
    name: found.describe for name, found in vars(Contract).items() if isinstance(found, (Answered, Listed, Filed))
}
PREFIX = "/capabilities/ods"


def operations() -> dict[str, tuple[str, str, Mapping[str, Any]]]:
    """Each call of the description: by its function's name, its verb, its path and all of it."""
    found = {}
    for path, verbs in OPENAPI["paths"].items():
        for verb, told in verbs.items():
            tail = f"_{path.strip('/')}_{verb}"
            tail = "".join(c if c.isalnum() else "_" for c in tail)
            found[told["operationId"].removesuffix(tail)] = (verb.upper(), path, told)
    return found


OPERATIONS = operations()


def filled(name: str) -> Call[Any]:
    """The method's call with every parameter given."""
    describe = METHODS[name]
    given = {p: "x" for p in inspect.signature(describe).parameters if p != "self"}
    return describe(None, **given)


def referred(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema, or the one that it points at."""
    if "$ref" in schema:
        return OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    options = [s for s in schema.get("anyOf", []) if s.get("type") != "null"]
    return referred(options[0]) if options else schema


def test_every_call_has_its_method_and_there_is_no_other() -> None:
    assert sorted(METHODS) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
class TestACall:
    def test_goes_to_its_address(self, name: str) -> None:
        verb, path, _ = OPERATIONS[name]
        call = filled(name)
        assert (call.method, call.template) == (verb, path.removeprefix(PREFIX) if PREFIX in path else "/v1" + path)
        assert set(call.parts) == {part.split("}")[0] for part in path.split("{")[1:]}

    def test_offers_every_query_parameter(self, name: str) -> None:
        told = {p["name"] for p in OPERATIONS[name][2].get("parameters", []) if p["in"] == "query"}
        assert set(filled(name).query) == told

    def test_offers_every_field_of_its_body(self, name: str) -> None:
        content = OPERATIONS[name][2].get("requestBody", {}).get("content", {})
        schema = referred(content["application/json"]["schema"]) if content else {}
        assert set(filled(name).body or {}) == set(schema.get("properties", {}))

    def test_demands_what_the_server_demands(self, name: str) -> None:
        _, _, told = OPERATIONS[name]
        content = told.get("requestBody", {}).get("content", {})
        demanded = set(referred(content["application/json"]["schema"]).get("required", []) if content else [])
        demanded |= {p["name"] for p in told.get("parameters", []) if p["required"]}
        parameters = inspect.signature(METHODS[name]).parameters.values()
        mine = {p.name.rstrip("_") for p in parameters if p.default is p.empty and p.name != "self"}
        assert mine == demanded

    def test_takes_an_idempotency_key_exactly_if_it_is_a_command(self, name: str) -> None:
        takes = "idempotency_key" in inspect.signature(METHODS[name]).parameters
        assert takes == (OPERATIONS[name][0] == "POST")
        assert filled(name).idempotency_key == ("x" if takes else None)

    def test_takes_an_if_match_exactly_if_the_server_looks_at_it(self, name: str) -> None:
        told = {p["name"] for p in OPERATIONS[name][2].get("parameters", []) if p["in"] == "header"}
        takes = "if_match" in inspect.signature(METHODS[name]).parameters
        assert takes == ("If-Match" in told)
        assert filled(name).if_match == ("x" if takes else None)

    def test_knows_every_field_of_its_answer(self, name: str) -> None:
        answers = OPERATIONS[name][2]["responses"]
        content = next(answers[status] for status in answers if status.startswith("2"))["content"]
        if "application/json" not in content:
            assert filled(name).answer is bytes
            return
        body = referred(content["application/json"]["schema"])
        known = filled(name).answer
        if filled(name).whole:
            known, inner = (
                typing.get_args(known.model_fields["data"].annotation)[0],
                body["properties"]["data"]["items"],
            )
        else:
            inner = body["properties"]["data"]
        compare(referred(inner), known, name)


def compare(schema: Mapping[str, Any], model: type[BaseModel], place: str) -> None:
    """The model has each field of the schema, and so have the models within it."""
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    assert set(schema["properties"]) == set(fields), place
    for name, told in schema["properties"].items():
        for part in models_in(fields[name].annotation):
            inner = referred(told.get("items", told))
            compare(inner, part, f"{place}.{name}")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models within a field's type."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in models_in(part)]


def test_the_front_door_lists_what_it_offers_sorted() -> None:
    listed = ods_core.client.__all__
    offered = {
        name
        for name, value in vars(ods_core.client).items()
        if not name.startswith("_") and (not isinstance(value, types.ModuleType) or name == "models")
    }
    assert set(listed) == offered
    constants, classes = [n for n in listed if n.isupper()], [n for n in listed if n[0].isupper() and not n.isupper()]
    rest = [n for n in listed if n[0].islower()]
    assert listed == sorted(constants) + sorted(classes) + sorted(rest)


def test_nothing_given_is_not_the_same_as_none() -> None:
    """A bound of a request is lifted by None, and left alone by saying nothing."""
    assert METHODS["revise_request"](None, "OREQ-26-000001", budget_max=None).body == {"budget_max": None}
    assert METHODS["revise_request"](None, "OREQ-26-000001", budget_max=UNSET, title="T").body == {"title": "T"}
