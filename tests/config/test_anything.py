"""Whatever stands in the file and in the variables, settings are read or faults are told: nothing else happens."""

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authgate.config import Config, load, shape, shown
from authgate.errors import ConfigError

OPTIONS = [path for path, _ in shape.leaves(Config)]
NAMES = sorted({part for path in OPTIONS for part in path} | {"type", "key", "file", "env", "0", "cdnApp", "x y", ""})
SCALARS = st.one_of(
    st.sampled_from(["token", "password", "k" * 32, "127.0.0.1", "a:b", "/a", "", "sqlite:///x", "allow", "\x1b"]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.dates(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=4,
)
SECTION = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
TREES = st.dictionaries(
    st.sampled_from([*shape.options(Config), "nonsense"]), SECTION | st.lists(SECTION, max_size=3) | VALUES, max_size=6
)
VARIABLES = st.dictionaries(
    st.lists(st.sampled_from([name.upper() for name in NAMES] + ["1", "KEY_FILE"]), min_size=1, max_size=4).map(
        lambda parts: "AUTHGATE_" + "__".join(parts)
    ),
    st.sampled_from(["1", "true", "x", "", "[1]", "{}", '{"type":"token"}', "[", "k" * 32]),
    max_size=4,
)


def faults(path, environ):
    try:
        config = load(path, environ)
    except ConfigError as error:
        return error.faults or ("no fault",)
    assert shown(config)
    assert isinstance(config.warnings(), tuple)
    return ()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREES, environ=VARIABLES)
def test_anything(tmp_path_factory, tree, environ):
    path = tmp_path_factory.mktemp("anything") / "authgate.toml"
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    assert not [fault for fault in faults(path, environ) if "\n" in fault or fault == "no fault"]


def test_nested_as_deep_as_the_parser_goes(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text("")
    for depth in (100, 400, 700, 900, 2000):
        assert faults(path, {"AUTHGATE_CALLER__ADDRESSES": "[" * depth + "]" * depth})
