"""What the keys of the tally mean: the metric and the labels of each.

A key is a word, and a name after a colon where there are several: ``targets_lost:NAME``.
"""

from authgate.metrics import table
from authgate.metrics.table import Metric

Labels = tuple[str, ...]

NAMED = "\0"  # the place of the name after the colon

# None: it is counted by another metric as well.
COUNTED: dict[str, tuple[Metric, Labels] | None] = {
    "verdicts_allowed": None,
    "verdicts_rejected": None,
    "hooks_of_unknown_method": (table.UNKNOWN, ()),
    "hooks_malformed": (table.UNREAD, ("malformed",)),
    "hooks_too_large": (table.UNREAD, ("large",)),
    "hooks_too_slow": (table.UNREAD, ("slow",)),
    "callers_not_trusted": (table.UNTRUSTED, ()),
    "records_deferred": (table.DEFERRED, ()),
    "records_lost": (table.LOST, ()),
    "passwords_shed": (table.SHED, ()),
    "passwords_remembered": (table.REMEMBERED, ()),
    "passwords_shared": (table.SHARED, ()),
    "guesses_wrong": (table.WRONG, ()),
    "guesses_refused": (table.NOT_TRIED, ()),
    "guesses_counted_here": (table.COUNTED_HERE, ()),
    "source_users_remembered": (table.SOURCE_LOOKS, (NAMED, "remembered")),
    "source_users_asked": (table.SOURCE_LOOKS, (NAMED, "asked")),
    "source_users_unanswered": (table.SOURCE_LOOKS, (NAMED, "unanswered")),
    "key_sets_fetched": (table.KEY_FETCHES, (NAMED, "fetched")),
    "key_sets_failed": (table.KEY_FETCHES, (NAMED, "failed")),
    "targets_answered": (table.TARGETS, (NAMED, "answered")),
    "targets_unanswered": (table.TARGETS, (NAMED, "unanswered")),
    "targets_passed_over": (table.TARGETS, (NAMED, "passed_over")),
    "observed_sent": (table.OBSERVED, (NAMED, "sent")),
    "observed_unwanted": (table.OBSERVED, (NAMED, "unwanted")),
    "observed_lost": (table.OBSERVED, (NAMED, "lost")),
    "tokens_issued": (table.REQUESTS, ("tokens", "issued")),
    "logins_allowed": (table.REQUESTS, ("logins", "allowed")),
    "admin_no_key": (table.STRANGERS, ("key",)),
    "admin_throttled": (table.STRANGERS, ("throttled",)),
    "admin_no_scope": (table.STRANGERS, ("scope",)),
    "forwarded_not_trusted": (table.PROXY, ()),
    "live_sessions_ended": (table.ENDED, ("session",)),
    "live_streams_ended": (table.ENDED, ("stream",)),
    "live_strangers_ended": (table.ENDED, ("stranger",)),
    "live_sessions_to_end": (table.ORDERED, ()),
    "live_ends_failed": (table.NOT_ENDED, ()),
    "live_sessions_lapsed": (table.LAPSED, ("session",)),
    "live_streams_lapsed": (table.LAPSED, ("stream",)),
}
# Keys that begin so, and go on with a word of a closed list.
FAMILIES: dict[str, Metric] = {
    "verdicts_degraded_": table.DEGRADED,
    "guessing_locks_": table.LOCKS,
    "live_": table.DIFFERENCES,
    "signals_": table.MESSAGES,
}
_REQUESTS = ("throttled", "unavailable", "refused")


def meaning(key: str) -> tuple[Metric, Labels] | None:
    """The metric of a key of the tally, and its labels; None where another metric has it already."""
    word, _, name = key.partition(":")
    if word in COUNTED:
        found = COUNTED[word]
        return found and (found[0], tuple(name if label is NAMED else label for label in found[1]))
    for begin, metric in FAMILIES.items():
        if word.startswith(begin):
            return metric, (word.removeprefix(begin),)
    endpoint, _, outcome = word.rpartition("_")
    if outcome in _REQUESTS:
        return table.REQUESTS, (endpoint, outcome)
    return table.OTHERS, (key,)
