"""The document of the admin interface: kept beside the manual, and true."""

import json
import re
from pathlib import Path

from authgate.api_keys import ADMIN_SCOPES
from authgate.server.admin.openapi import document

KEPT = Path(__file__).parents[3] / "docs" / "admin-openapi.json"


def test_the_document_in_the_manual_is_the_one_that_is_served():
    """To write it again: ``python -m tests.server.admin.test_openapi``."""
    assert json.loads(KEPT.read_text()) == json.loads(json.dumps(document()))


def test_every_operation_has_a_name_of_its_own_and_says_what_it_needs():
    verbs = [verb for path in document()["paths"].values() for verb in path.values()]
    names = [verb["operationId"] for verb in verbs]
    assert len({*names}) == len(names)
    assert all(verb["summary"].endswith(".") for verb in verbs)
    needed = {scope for verb in verbs for scope in re.findall(r"scope `(.+?)`", verb.get("description", ""))}
    assert needed <= {*ADMIN_SCOPES}


if __name__ == "__main__":
    KEPT.write_text(json.dumps(document(), indent=2) + "\n")
