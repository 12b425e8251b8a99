"""Which policy speaks for which hook: rules in their order, then the default policies."""

from authgate.rules.check import check
from authgate.rules.options import CONDITIONS, AppPolicies, PolicyOptions, RuleOptions
from authgate.rules.rule import Rule
from authgate.rules.table import Rules

__all__ = ["CONDITIONS", "AppPolicies", "PolicyOptions", "Rule", "RuleOptions", "Rules", "check"]
