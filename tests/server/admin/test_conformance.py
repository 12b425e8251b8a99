"""The admin interface tried against its own document, with what it says may be sent and with what it says may not."""

import time
from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from authgate.server.admin.openapi import document

from .conftest import Administered

EXAMPLES = 6  # of each operation and mode: there are many of both
SCHEMA = schemathesis.openapi.from_dict(document())
SCHEMA.config.generation.update(with_security_parameters=False)
ENDLESS = {"GET /api/v1/events"}  # test_events.py has them
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations() if each.ok().label not in ENDLESS}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What no generator would guess, in place of what it made: of paths and queries, and of bodies.
ADDRESSED = {"name": "victim", "user": "victim", "group": "victims", "address": "203.0.113.7"}
SAID = {
    "name": "another",
    "user": "victim",
    "users": ["victim"],
    "address": "203.0.113.7",
    "password": "correct horse of a victim",
    "display": "Victim",
    "notes": "none",
    "note": "none",
    "grants": ["play:*"],
    "groups": ["victims"],
    "join": ["victims"],
    "leave": ["victims"],
    "not_before": "2026-01-31T12:00:00Z",
    "expires_at": "2096-01-31T12:00:00Z",
    "apps": ["defaultApp"],
    "addresses": ["203.0.113.7"],
    "origins": ["https://www.example.com"],
    "streams": ["room-*"],
}
LEFT_OUT = {"after", "verifier"}


def prepare(served: Administered) -> None:
    """Have what may be changed or deleted there again, and what may be added not."""
    served.http.post("/api/v1/users", json={"name": "victim"})
    served.http.post("/api/v1/groups", json={"name": "victims"})
    served.http.delete("/api/v1/users/another")
    served.http.delete("/api/v1/groups/another")


def known(values: Any, by: Mapping[str, Any]) -> Any:
    """The same values, those that have to be known in place of what was made up."""
    if not isinstance(values, dict):
        return values
    return {name: by.get(name, value) for name, value in values.items() if name not in LEFT_OUT}


TRIED = [
    pytest.param(label, mode, id=f"{label} {mode.value}")
    for label, each in OPERATIONS.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or each.body or each.query or each.path_parameters
]


@pytest.mark.parametrize(("label", "mode"), TRIED)
def test_what_is_answered_is_what_is_documented(served: Administered, label: str, mode: GenerationMode):
    operation = OPERATIONS[label]
    checks = CHECKS if mode is GenerationMode.POSITIVE else [*CHECKS, negative_data_rejection]

    @hypothesis.settings(derandomize=True, max_examples=EXAMPLES, database=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def answered(case: Any, there: bool) -> None:
        if there and mode is GenerationMode.POSITIVE:
            prepare(served)
            case.path_parameters = known(case.path_parameters, ADDRESSED)
            case.query = known(case.query, ADDRESSED)
            case.body = known(case.body, SAID)
        headers = {"authorization": f"Bearer {served.all}"}
        response = case.call(base_url=served.url, headers=headers)
        for _ in range(5):  # a machine with other things to do may be too slow once, and what is broken stays so
            if response.status_code != 503:
                break
            time.sleep(1)
            response = case.call(base_url=served.url, headers=headers)
        # What is too large is not looked at any further.
        case.validate_response(response, checks=CHECKS if response.status_code == 413 else checks)

    answered()
