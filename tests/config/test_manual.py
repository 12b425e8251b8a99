"""config/authgate.toml mentions every option, at its default."""

import re
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from authgate.config import AppOptions, Config, load, shape, shown
from authgate.errors import ConfigError
from authgate.feed import Filter, WebhookOptions
from authgate.feed.webhook import new_secret
from authgate.limits import AppLimits
from authgate.policies import POLICIES
from authgate.rewrites import REWRITES
from authgate.rules import AppPolicies, RuleOptions
from authgate.sources.options import Columns, SourceOptions
from authgate.targets import TargetOptions
from authgate.verifiers import VERIFIERS
from authgate.verifiers.jwks import JwksOptions
from authgate.verifiers.token import KeyOptions
from authgate.wcs import WcsOptions
from tests.targets.test_tls import certificate

MANUAL = Path(__file__).parents[2] / "config" / "authgate.toml"
TEXT = MANUAL.read_text()
# "#:" stands before options that have no default, and before sections that need not be there.
ALL = tomllib.loads(re.sub(r"(?m)^#: ", "", TEXT))
FREE = (
    "verifiers",
    "apps",
    "rules",
    "targets",
    "user_sources",
    "wcs",
    "signals",
    "webhooks",
)  # nothing stands in them by default
OPTIONS = [path for path, _ in shape.leaves(Config) if path[0] not in FREE]


def at(tree, path):
    for part in path:
        if not isinstance(tree, dict) or part not in tree:
            return MISSING
        tree = tree[part]
    return tree


def test_what_stands_there_is_the_default(tmp_path):
    (tmp_path / "manual.toml").write_text(TEXT)
    (tmp_path / "empty.toml").write_text("")
    assert shown(load(tmp_path / "manual.toml", {})) == shown(load(tmp_path / "empty.toml", {}))


EXAMPLE = ALL["verifiers"][0]["key"]


@pytest.fixture
def examples(tmp_path):
    """A configuration of every example."""
    path = tmp_path / "authgate.toml"
    path.write_text(re.sub(r"(?m)^#: ", "", TEXT))
    (tmp_path / "tls").mkdir()
    for name in ("tls/fullchain.pem", "tls/privkey.pem", "sip-password", "token-key-2026"):
        (tmp_path / name).write_text("something that is as long as a key has to be")
    (tmp_path / "webhook-secret").write_text(new_secret())
    certificate(tmp_path / "tls" / "ca.pem", "127.0.0.1")
    return path


def test_the_examples_can_be_used(examples):
    examples.write_text(examples.read_text().replace(EXAMPLE, "0123456789abcdef" * 2))
    load(examples, {})


def test_the_examples_key_is_no_secret(examples):
    with pytest.raises(ConfigError) as caught:
        load(examples, {"AUTHGATE_CALLER__HMAC_KEYS": f" {EXAMPLE}"})
    said = "is the manual's example; run: authgate init DIR, which writes a configuration with a fresh key"
    places = ("caller.hmac_keys[0]", "verifiers[0].key", "verifiers[1].keys[0].key", "verifiers[3].master_keys[0]")
    assert caught.value.faults == tuple(f"{place}: {said}" for place in places)


@pytest.mark.parametrize("path", OPTIONS, ids=map(shape.key, OPTIONS))
def test_option_is_mentioned(path):
    assert at(ALL, path) is not MISSING


@pytest.mark.parametrize("path", OPTIONS, ids=map(shape.key, OPTIONS))
def test_option_stands_there_if_it_has_a_default(path):
    default = Config()
    for name in path:
        default = getattr(default, name)
    assert (at(tomllib.loads(TEXT), path) is MISSING) == (default is None)


@pytest.mark.parametrize("kind", VERIFIERS)
def test_every_option_of_a_verifier_at_its_default(kind):
    samples = [each for each in ALL["verifiers"] if each["type"] == kind]
    options = {each.name: each.default for each in fields(VERIFIERS[kind]) if each.init}
    assert {name for sample in samples for name in sample} == options.keys()
    assert_defaults(samples[0], options, left_out={"keys", "jwks"})  # in place of key, and so in samples of their own


def test_every_option_of_a_key_set_at_its_default():
    [sample] = [each["jwks"] for each in ALL["verifiers"] if "jwks" in each]
    options = {each.name: each.default for each in fields(JwksOptions)}
    assert sample.keys() == options.keys()
    assert_defaults(sample, options)


def test_every_option_of_one_of_several_keys():
    [sample] = [each["keys"] for each in ALL["verifiers"] if "keys" in each]
    assert {name for each in sample for name in each} == {each.name for each in fields(KeyOptions)}


def assert_defaults(sample, options, left_out=frozenset()):
    for name, default in options.items():
        if name not in left_out and default not in (MISSING, None):
            given = sample[name]
            assert (tuple(given) if isinstance(given, list) else given) == default


def of_rules(option):
    """What the examples of rules say for an option, in all of them."""
    return [rule[option] for rule in ALL["rules"] if option in rule]


@pytest.mark.parametrize("name", [each.name for each in fields(RuleOptions) if each.init])
def test_every_option_of_a_rule_has_an_example(name):
    assert of_rules(name)


MEMBERS = [
    *((kind, POLICIES, lambda: of_rules("policy")) for kind in POLICIES),
    *((kind, REWRITES, lambda: [each for rule in of_rules("rewrites") for each in rule]) for kind in REWRITES),
]


@pytest.mark.parametrize(("kind", "family", "examples"), MEMBERS, ids=[member[0] for member in MEMBERS])
def test_every_option_of_a_policy_or_rewrite_has_an_example(kind, family, examples):
    common = {"hide", "undocumented"} if family is REWRITES else set()  # shown with one of them
    shown_there = {name for each in examples() if each["type"] == kind for name in each} - common
    options = {each.name for each in fields(family[kind]) if each.init} - common
    # Those without an option are named in the text.
    assert shown_there == options or (options == {"type"} and f'"{kind}"' in TEXT)


def test_every_option_of_a_target_at_its_default():
    options = {each.name: each.default for each in fields(TargetOptions) if each.init}
    samples = ALL["targets"].values()
    assert {name for sample in samples for name in sample} == options.keys()
    first = next(iter(samples))
    for name, default in options.items():
        if default not in (MISSING, None) and name in first:
            given = first[name]
            assert (tuple(given) if isinstance(given, list) else given) == default


def test_every_option_of_a_source_of_users_at_its_default():
    [sample] = ALL["user_sources"]
    for given, kind in ((sample, SourceOptions), (sample["columns"], Columns)):
        options = {each.name: each.default for each in fields(kind)}
        assert given.keys() == options.keys()
        assert_defaults(given, options, left_out={"enabled_values", "columns"})  # which mean nothing by themselves


def test_every_option_of_a_node_of_the_media_server_at_its_default():
    options = {each.name: each.default for each in fields(WcsOptions)}
    assert {name for sample in ALL["wcs"] for name in sample} == options.keys()
    for name, default in options.items():
        given = [each[name] for each in ALL["wcs"] if name in each]
        assert default in (MISSING, None) or default in given or list(default) in given


def test_every_option_of_a_webhook_at_its_default():
    [sample] = ALL["webhooks"]
    options = {each.name: each.default for each in fields(WebhookOptions)}
    assert sample.keys() == options.keys()
    assert_defaults(sample, options, left_out={"secrets"})
    assert sample["only"].keys() == {each.name for each in fields(Filter)}


def test_every_option_of_an_app():
    [sample] = ALL["apps"].values()
    assert sample.keys() == {each.name for each in fields(AppOptions)}
    assert sample["policies"].keys() == {each.name for each in fields(AppPolicies)}
    assert sample["limits"].keys() == {each.name for each in fields(AppLimits)}


def test_every_option_has_a_sentence():
    """A comment stands above each option, or above the option before it where one sentence speaks for both."""
    lines = TEXT.splitlines()
    silent = []
    for at_, line in enumerate(lines):
        if re.match(r"(#: )?[a-zA-Z_]+ = ", line):
            above = at_ - 1
            while re.match(r"(#: )?([a-zA-Z_]+ = |\[)", lines[above]):
                above -= 1
            if not re.match(r"# \S", lines[above]):
                silent.append(line)
    assert not silent
