"""Every metric: its name, what it says, its labels, and how the numbers of several workers become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from authgate.model import Kind, Reason

OTHER = "other"  # the label of what has no label of its own, so that nobody can make ever new ones

# Seconds. A hook has two by default (server.deadline), and most take a few thousandths of one.
_HOOKS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5)
_HASHES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)


class Form(StrEnum):
    """What Prometheus calls the type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merged(StrEnum):
    """What the numbers of all workers come to."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    EACH = "each"  # every worker's stands for itself, with its place as the label ``worker``


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str  # as it is scraped
    help: str
    labels: tuple[str, ...] = ()
    form: Form = Form.COUNTER
    merged: Merged = Merged.SUM
    buckets: tuple[float, ...] = ()  # upper bounds, without the one that has none
    starts: tuple[tuple[str, ...], ...] = ()  # labels that are there at 0 before anything was counted

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The labels as they are scraped."""
        return (*self.labels, "worker") if self.merged is Merged.EACH else self.labels


def _gauge(name: str, text: str, labels: tuple[str, ...] = (), merged: Merged = Merged.SUM) -> Metric:
    return Metric(name, text, labels, Form.GAUGE, merged)


def _each(*labels: str) -> tuple[tuple[str, ...], ...]:
    return tuple((label,) for label in labels)


_TROUBLE = (Reason.STORE_UNAVAILABLE, Reason.DEADLINE, Reason.OVERLOADED, Reason.TARGET_UNAVAILABLE)

HOOKS = Metric(
    "authgate_hooks_total",
    "Hooks that got a verdict, by method of the media server, application and reason (ok: allowed).",
    ("method", "app", "reason"),
)
DURATION = Metric(
    "authgate_hook_duration_seconds",
    "Seconds from the arrival of a hook until its verdict was decided and written down, by kind of method.",
    ("kind",),
    Form.HISTOGRAM,
    buckets=_HOOKS,
    starts=_each(*Kind),
)
UNREAD = Metric(
    "authgate_hooks_unread_total",
    "Hooks that got no verdict since they could not be read: malformed, too large, or too slow to arrive.",
    ("fault",),
    starts=_each("malformed", "large", "slow"),
)
UNKNOWN = Metric("authgate_hooks_of_unknown_method_total", "Hooks of methods that authgate does not know.")
UNTRUSTED = Metric(
    "authgate_callers_not_trusted_total",
    "Hooks refused since they did not come from the media server, as [caller] tells it.",
)
DEGRADED = Metric(
    "authgate_hooks_degraded_total",
    "Hooks answered by what holds in trouble, since something that was needed failed, by what it was.",
    ("reason",),
    starts=_each(*_TROUBLE, Reason.KEYS_UNAVAILABLE, Reason.INTERNAL),
)
DEFERRED = Metric("authgate_records_deferred_total", "Records kept in the spool until the store takes them.")
LOST = Metric("authgate_records_lost_total", "Records that are nowhere, since the spool is full or cannot be written.")
REMOVED = Metric(
    "authgate_records_removed_total", "Records removed since they were too old or too many, see [records]."
)

HASHING = Metric(
    "authgate_password_hash_seconds",
    "Seconds that one password hash took on its thread, by algorithm.",
    ("algorithm",),
    Form.HISTOGRAM,
    buckets=_HASHES,
)
HASHES_RUNNING = _gauge("authgate_password_hashes_running", "Passwords that are being hashed now.")
HASHES_WAITING = _gauge("authgate_password_hashes_waiting", "Passwords that wait for a thread to hash them.")
HASH_THREADS = _gauge("authgate_password_hash_threads", "Threads that may hash passwords at once.")
SHED = Metric("authgate_passwords_shed_total", "Passwords that were not hashed since it would have been too late.")
REMEMBERED = Metric(
    "authgate_passwords_remembered_total",
    "Passwords let in without hashing, since they were right shortly before.",
)
SHARED = Metric("authgate_passwords_shared_total", "Passwords that waited for the same one to be hashed for another.")
MEMORY = _gauge("authgate_passwords_in_memory", "Right passwords that are remembered, as digests.")

WRONG = Metric("authgate_passwords_wrong_total", "Wrong passwords that were counted as guesses.")
NOT_TRIED = Metric("authgate_passwords_not_tried_total", "Passwords not tried, since too many before were wrong.")
LOCKS = Metric(
    "authgate_locks_total",
    "Locks after too many wrong passwords, by what was locked: a pair of user and address, a user, or an address.",
    ("scope",),
    starts=_each("pair", "user", "address"),
)
COUNTED_HERE = Metric(
    "authgate_guesses_counted_alone_total",
    "Guesses counted in one worker alone since the place where all are counted was away.",
)
BLOCKS = _gauge("authgate_blocks", "Bans and locks in force, by kind.", ("kind",))

STORE_UP = _gauge(
    "authgate_store_up",
    "Whether the store answers every worker (1) or is away (0).",
    ("operation",),
    Merged.MIN,
)
STORE_ERRORS = Metric(
    "authgate_store_errors_total",
    "Pieces of work that the store did not do, by operation.",
    ("operation",),
    starts=_each("read", "write"),
)
CONNECTIONS = _gauge(
    "authgate_store_connections",
    "Connections to the database, by state: taken, or how many may be (most).",
    ("state",),
)
LEDGER = _gauge("authgate_ledger_waiting", "Hooks whose record waits to be committed.")
SPOOL = _gauge("authgate_spool_bytes", "Bytes of records that wait in the spool for the store.")

SOURCE_LOOKS = Metric(
    "authgate_user_source_lookups_total",
    "Users looked up in a source, by outcome: remembered from the last look, asked now, or unanswered.",
    ("source", "outcome"),
)
SOURCE_UP = _gauge(
    "authgate_user_source_up", "Whether a source of users answers (1) or is away (0).", ("source",), Merged.MIN
)
KEY_FETCHES = Metric(
    "authgate_key_set_fetches_total", "Fetches of an issuer's keys, by outcome.", ("issuer", "outcome")
)
KEY_AGE = _gauge(
    "authgate_key_set_age_seconds",
    "Seconds since an issuer's keys were fetched with success; of workers, the highest.",
    ("issuer",),
    Merged.MAX,
)
KEYS = _gauge(
    "authgate_key_set_keys", "Keys of an issuer that tokens can be verified with now.", ("issuer",), Merged.MIN
)

TARGETS = Metric(
    "authgate_target_questions_total",
    "Hooks that another back end was asked about, by outcome: answered, unanswered, or passed over (fail open).",
    ("target", "outcome"),
)
TARGET_UP = _gauge(
    "authgate_target_up",
    "Whether another back end is asked (1) or left alone since it did not answer (0).",
    ("target",),
    Merged.MIN,
)
OBSERVED = Metric(
    "authgate_observed_hooks_total",
    "Hooks for a back end that observes, by outcome: sent, unwanted, or lost for want of room.",
    ("target", "outcome"),
)
OBSERVERS = _gauge("authgate_observer_queue_bytes", "Bytes of hooks that wait to be sent to who observes.", ("target",))

REQUESTS = Metric(
    "authgate_issuing_requests_total",
    "Requests for tokens and logins over HTTP, by endpoint and outcome.",
    ("endpoint", "outcome"),
)
STRANGERS = Metric(
    "authgate_admin_refused_total",
    "Requests to the admin listener refused: without a good key, too many of those, or beyond a key's scopes.",
    ("why",),
    starts=_each("key", "throttled", "scope"),
)
PROXY = Metric("authgate_forwarded_not_trusted_total", "Requests for tokens whose X-Forwarded-For is not believed.")

SESSIONS = _gauge("authgate_sessions", "Live sessions in the store, by application and node.", ("app", "node"))
STREAMS = _gauge(
    "authgate_streams", "Live streams in the store, by application, node and role.", ("app", "node", "role")
)
CALLS = _gauge("authgate_calls", "Live calls in the store, by application and node.", ("app", "node"))
TO_END = _gauge("authgate_endings_waiting", "Sessions and streams that are to be ended and still go on.", ("kind",))
LIVE_UP = _gauge("authgate_live_known", "Whether sessions, streams and calls could be counted (1) or not (0).")

ENDED = Metric(
    "authgate_ended_total",
    "What was ended at the media server: sessions, streams, and strangers that authgate never let in.",
    ("kind",),
    starts=_each("session", "stream"),
)
ORDERED = Metric("authgate_ends_ordered_total", "Sessions that were to be ended since their client may not go on.")
NOT_ENDED = Metric("authgate_ends_failed_total", "Tries to end a session or a stream that came to nothing.")
DIFFERENCES = Metric(
    "authgate_reconciliation_differences_total",
    "Differences between the store and the media server that were repaired, by what was found.",
    ("difference",),
    starts=_each("sessions_lost", "sessions_revived", "streams_lost", "streams_added", "streams_revived", "calls_lost"),
)
LAPSED = Metric(
    "authgate_lapsed_total",
    "Sessions and streams that are over since nobody has heard of them for too long.",
    ("kind",),
    starts=_each("session", "stream"),
)
MESSAGES = Metric(
    "authgate_messages_total",
    "Messages to clients, one for each addressee, by outcome; gone: there was no such client any more.",
    ("outcome",),
    starts=_each("delivered", "gone", "failed", "expired"),
)

MESSAGES_WAITING = _gauge("authgate_messages_waiting", "Messages to clients that wait to be delivered.")
READERS = _gauge("authgate_feed_readers", "Who listens to the feed of events: streams, WebSockets and webhooks.")
WEBHOOK_BEHIND = _gauge(
    "authgate_webhook_behind_records", "Records that a webhook has not come to yet, wanted or not.", ("webhook",)
)
WEBHOOK_FAILURES = _gauge(
    "authgate_webhook_failures", "Tries in a row to deliver an event to a webhook that failed.", ("webhook",)
)
WEBHOOK_ON = _gauge(
    "authgate_webhook_on", "Whether events are sent to a webhook (1), or it is disabled (0).", ("webhook",)
)
STREAM_BEHIND = _gauge(
    "authgate_record_stream_behind_records", "Records that wait to be sent to the stream of [records.stream]."
)
STREAM_UP = _gauge(
    "authgate_record_stream_up", "Whether records can be sent to the stream of [records.stream] (1) or wait (0)."
)
WCS_UP = _gauge(
    "authgate_wcs_up",
    "Whether a node of the media server was compared with the store when that was last tried (1) or not (0).",
    ("node",),
    Merged.MAX,
)
WCS_UNKNOWN = _gauge(
    "authgate_wcs_unknown_connections",
    "Connections of a node of the media server that authgate never let in.",
    ("node",),
    Merged.MAX,
)

OTHERS = Metric("authgate_other_events_total", "Whatever else was counted, by its name in /healthz.", ("event",))

BUILD = _gauge("authgate_build_info", "1, with the versions of authgate and Python.", ("version", "python"), Merged.MAX)
GENERATION = _gauge(
    "authgate_configuration_generation",
    "How many configurations were in force since the start.",
    merged=Merged.MAX,
)
LOADED = _gauge(
    "authgate_configuration_loaded_timestamp_seconds", "When the configuration in force was loaded.", merged=Merged.MAX
)
WORKERS = _gauge("authgate_workers", "Workers that have begun and said so within the last seconds.")
LAG = _gauge(
    "authgate_loop_lag_seconds",
    "By how much the event loop of a worker was late at most in the last ten seconds; of workers, the highest.",
    merged=Merged.MAX,
)
CPU = Metric("process_cpu_seconds_total", "Seconds of processor time of a worker.", merged=Merged.EACH)
RESIDENT = _gauge("process_resident_memory_bytes", "Bytes of memory of a worker.", merged=Merged.EACH)
STARTED = _gauge(
    "process_start_time_seconds", "When a worker was started, in seconds since the epoch.", merged=Merged.EACH
)
OPEN_FILES = _gauge("process_open_fds", "Files and connections that a worker has open.", merged=Merged.EACH)
MOST_FILES = _gauge("process_max_fds", "Files and connections that a worker may have open.", merged=Merged.EACH)

METRICS: Mapping[str, Metric] = {each.name: each for each in list(globals().values()) if isinstance(each, Metric)}
