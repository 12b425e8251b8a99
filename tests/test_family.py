"""Families of options: found by their modules, read by the configuration, told apart by ``type``."""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from authgate.config import shape
from authgate.family import members
from authgate.model import Secret
from authgate.policies import POLICIES, AnyPolicy
from authgate.policies.plain import Deny
from authgate.rewrites import REWRITES, AnyRewrite
from authgate.rewrites.drop import Drop
from authgate.rewrites.map import Map
from authgate.rewrites.put import Put


@dataclass(frozen=True, slots=True)
class Options:
    """A section that takes one of each."""

    policy: Annotated[AnyPolicy, Field(discriminator="type")]
    rewrites: tuple[Annotated[AnyRewrite, Field(discriminator="type")], ...] = ()


class Read(BaseModel):
    """How the configuration reads: what it does not know is a fault."""

    model_config = ConfigDict(extra="forbid")

    read: Options


def read(policy, rewrites):
    return Read.model_validate({"read": {"policy": policy, "rewrites": rewrites}}).read


GOOD = {
    "a policy": ({"type": "deny", "reason": "No"}, [], Options(Deny(reason="No"))),
    "a text": ({"type": "deny"}, [{"type": "put", "field": "name", "value": "{user}"}], Put("name", "{user}")),
    "true, which is no number": ({"type": "deny"}, [{"type": "put", "field": "record", "value": True}], True),
    "a number, which is no text": ({"type": "deny"}, [{"type": "put", "field": "sipPort", "value": 5060}], 5060),
    "a fraction": ({"type": "deny"}, [{"type": "put", "field": "x", "value": 1.5}], 1.5),
    "a table": ({"type": "deny"}, [{"type": "map", "field": "n", "table": {"a": "b"}}], Map("n", {"a": Secret("b")})),
    "a drop": ({"type": "deny"}, [{"type": "drop", "field": "name", "hide": False}], Drop("name", hide=False)),
}


@pytest.mark.parametrize(("policy", "rewrites", "expected"), GOOD.values(), ids=GOOD)
def test_read(policy, rewrites, expected):
    found = read(policy, rewrites)
    if isinstance(expected, Options):
        assert found == expected
    elif isinstance(expected, Put | Map | Drop):
        assert found.rewrites == (expected,)
    else:
        assert found.rewrites[0].value is expected or found.rewrites[0].value == expected
        assert type(found.rewrites[0].value) is type(expected)


BAD = {
    "no such member": ({"type": "nothing"}, []),
    "no type": ({"reason": "No"}, []),
    "an option of another member": ({"type": "allow", "reason": "No"}, []),
    "a protocol is no member": ({"type": "policy"}, []),
    "no such rewrite": ({"type": "allow"}, [{"type": "rename", "field": "name"}]),
    "null": ({"type": "allow"}, [{"type": "put", "field": "name", "value": None}]),
    "a list": ({"type": "allow"}, [{"type": "put", "field": "name", "value": ["x"]}]),
    "a table of numbers": ({"type": "allow"}, [{"type": "map", "field": "name", "table": {"a": 1}}]),
    "what cannot be kept": ({"type": "allow"}, [{"type": "map", "field": "name", "store": "x", "otherwise": "no"}]),
    "a private field": ({"type": "allow"}, [{"type": "put", "field": "name", "value": "x", "_template": None}]),
    "without a field": ({"type": "allow"}, [{"type": "drop"}]),
}


@pytest.mark.parametrize(("policy", "rewrites"), BAD.values(), ids=BAD)
def test_not_read(policy, rewrites):
    with pytest.raises(ValidationError):
        read(policy, rewrites)


def test_the_shape_of_the_options():
    assert set(shape.kinds(AnyPolicy)) == set(POLICIES) == {"allow", "deny", "session", "token", "grant", "forward"}
    assert set(shape.kinds(AnyRewrite)) == set(REWRITES) == {"put", "map", "drop"}
    assert set(shape.options(AnyPolicy, {"type": "deny"})) == {"type", "reason"}
    put = {"field", "value", "secret", "type", "hide", "undocumented"}
    assert set(shape.options(AnyRewrite, {"type": "put"})) == put
    assert set(shape.options(AnyRewrite, {"type": "drop"})) == {"field", "type", "hide", "undocumented"}
    assert "otherwise" in shape.options(shape.entry(shape.options(Options)["rewrites"]), {"type": "map"})


def test_a_type_of_two_members_is_none(monkeypatch):
    for name in ("one", "two"):
        module = ModuleType(f"kin.{name}")
        made = type("Member", (), {"__annotations__": {"type": Literal["same"]}, "__module__": module.__name__})
        made.type = "same"
        module.Member = dataclass(made)
        module.Elsewhere = Deny  # imported, so not a member of its
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "kin", ModuleType("kin"))
    assert list(members("kin", ("one",))) == ["same"]
    with pytest.raises(ValueError, match="'same' is both Member and Member"):
        members("kin", ("one", "two"))
