"""Why is a hook answered as it is? Told for one hook, for one of the past, and for a configuration that is to come."""

from authgate.explain.caller import callers, refused
from authgate.explain.differ import Differs, SessionsTold, ToldOtherwise, differing, sessions_told, told_otherwise
from authgate.explain.dry import dry
from authgate.explain.explanation import (
    Difference,
    Explanation,
    explain,
    explain_past,
    explain_stranger,
    explain_unread,
    sent_by,
)
from authgate.explain.kept import Recalled, recall
from authgate.explain.outlook import MethodTold, told
from authgate.explain.replay import TROUBLE, Change, Replay, Verdict
from authgate.explain.words import DefaultTold, RuleTold, defaults_told, rules_told

__all__ = [
    "TROUBLE",
    "Change",
    "DefaultTold",
    "Difference",
    "Differs",
    "Explanation",
    "MethodTold",
    "Recalled",
    "Replay",
    "RuleTold",
    "SessionsTold",
    "ToldOtherwise",
    "Verdict",
    "callers",
    "defaults_told",
    "differing",
    "dry",
    "explain",
    "explain_past",
    "explain_stranger",
    "explain_unread",
    "recall",
    "refused",
    "rules_told",
    "sent_by",
    "sessions_told",
    "told",
    "told_otherwise",
]
