"""Taking a configuration over, without processes: what needs a restart, what is told, and all or none."""

import asyncio
import os
import signal

import pytest

from authgate.config import Config, load, shape
from authgate.errors import ConfigError, TargetError
from authgate.hooks.parse import parse
from authgate.model import Delivery
from authgate.server.hangups import Hangups
from authgate.server.orders import Verb
from authgate.server.presence import Presence
from authgate.server.reload import FIXED, UNEXPECTED, Generation, Reload, restart_needed
from authgate.server.supervisor import Supervisor
from authgate.server.worker import Worker
from tests.fakes import FakeVerdicts

KEY = "k" * 32
BASE = f'[[verifiers]]\ntype = "token"\nkey = "{KEY}"\n'


@pytest.fixture
def read(tmp_path):
    """A configuration of these lines, at the place where the last one was."""

    def load_(more="", environ=None):
        path = tmp_path / "authgate.toml"
        path.write_text(BASE + more)
        return load(path, environ or {})

    return load_


@pytest.fixture
def silent(tmp_path, monkeypatch):
    """Nobody is told anything, and the environment says nothing."""
    for name in [name for name in os.environ if name.startswith("AUTHGATE_")]:
        monkeypatch.delenv(name)
    return Presence(tmp_path / "spool", None)


PUT_BACK = "cannot be changed while running; restart the server, or put it back"
NEEDS_RESTART = {
    "port": ("[server]\nport = 9090", f"server.port: {PUT_BACK} to 8080"),
    "base": ('[server]\nbase = "/x"', f'server.base: {PUT_BACK} to "/hooks"'),
    "deadline": ("[server]\ndeadline = 3", f"server.deadline: {PUT_BACK} to 2.0"),
    "log": ('[log]\nlevel = "debug"', f'log.level: {PUT_BACK} to "info"'),
    "hashing": ("[hashing]\nmemory = 1024", f"hashing.memory: {PUT_BACK} to 65536"),
    "pool": ("[store]\npool_size = 7", f"store.pool_size: {PUT_BACK} to 5"),
    "events in memory": ("[feed]\nwindow = 64", f"feed.window: {PUT_BACK} to 4096"),
    "where guesses are counted": ('[guessing]\nstorage = "memory"', f"guessing.storage: {PUT_BACK}"),
    "store, which may hold a password": ('[store]\nurl = "postgresql://u:c4nary@h/d"', f"store.url: {PUT_BACK}"),
}


@pytest.mark.parametrize(("change", "fault"), NEEDS_RESTART.values(), ids=NEEDS_RESTART)
def test_what_needs_a_restart(read, change, fault):
    assert restart_needed(read(), read(change)) == [fault]


def test_a_spool_elsewhere_needs_a_restart(read, tmp_path):
    assert restart_needed(read(), read('[store]\nspool = "other"')) == [
        f'store.spool: {PUT_BACK} to "{tmp_path / "spool"}"'
    ]


def test_what_was_left_out_before(read, tmp_path):
    for name in ("cert", "key"):
        (tmp_path / name).touch()
    faults = restart_needed(read(), read('[server]\ntls_certificate = "cert"\ntls_key = "key"'))
    assert faults == [f"server.{name}: {PUT_BACK}: it was left out" for name in ("tls_certificate", "tls_key")]


def test_every_key_that_needs_a_restart_is_named(read):
    faults = restart_needed(read(), read('[server]\nport = 1\nworkers = 2\n[log]\nformat = "json"'))
    assert [fault.partition(":")[0] for fault in faults] == ["server.port", "server.workers", "log.format"]


TAKEN_OVER = {
    "caller": '[caller]\nhmac_keys = ["another-key-of-the-media-server"]',
    "credentials": '[credentials]\ntokens = ["custom.t"]',
    "verifiers": '[[verifiers]]\ntype = "password"',
    "user_sources": "[[user_sources]]\nname = 'x'\nurl = 'sqlite:///x'\n"
    "query = 'SELECT name, hash FROM t WHERE name = :name'",
    "users": '[users]\norder = ["store"]',
    "passwords": "[passwords]\nmin_length = 12",
    "rules": '[[rules]]\nname = "x"\nmethods = ["call"]\npolicy = { type = "deny" }',
    "policies": '[policies]\ncall = "deny"',
    "targets": '[targets.t]\nurl = "http://127.0.0.1:9"',
    "issuing": "[issuing]\ntokens = true",
    "guessing": "[guessing]\nper_user = 7",
    "apps": '[apps.a.policies]\ncall = "deny"',
    "wcs": '[[wcs]]\nnode = "*"\nurl = "http://127.0.0.1:9/rest-api"',
    "limits": "[limits]\nsessions_per_user = 3",
    "records": '[records]\nkeep_days = 30\n[records.stream]\nurl = "redis://127.0.0.1:9"',
    "feed": "[feed]\nmax_readers = 7",
    "webhooks": f'[[webhooks]]\nname = "x"\nurl = "https://127.0.0.1:9/"\nsecrets = ["whsec_{"A" * 43}="]',
    "signalling": "[signalling]\nmax_rooms = 3",
    "signals": '[[wcs]]\nnode = "*"\nurl = "http://127.0.0.1:9/rest-api"\n[[signals]]\nname = "x"\nto = { app = true }',
    "sessions": None,  # has no option that can be changed alone
}


@pytest.mark.parametrize("change", [each for each in TAKEN_OVER.values() if each], ids=list(TAKEN_OVER)[:-1])
def test_what_is_taken_over(read, change):
    before, after = read(), read(change)
    assert before.revision != after.revision
    assert restart_needed(before, after) == []


def test_every_section_is_either_taken_over_or_needs_a_restart():
    """Whoever adds a section says which."""
    assert sorted([*FIXED, *TAKEN_OVER]) == sorted(shape.options(Config))


# -- one worker


class One:
    """Workers that say what they are to say."""

    count = 2

    def __init__(self, first, faults=()):
        self.in_force = first
        self.faults = faults

    async def take_over(self, offered):
        if isinstance(self.faults, Exception):
            raise self.faults
        if not self.faults:
            self.in_force = offered
        return self.faults


async def test_taken_over(read, silent, caplog):
    caplog.set_level("INFO")
    workers = One(Generation(read()))
    after = read('[policies]\nconnect = "allow_anonymous"')
    assert await Reload(workers, silent).once() == ()
    assert (workers.in_force.config, workers.in_force.number) == (after, 2)
    assert f"took over configuration {after.revision}" in caplog.text
    assert "policies.connect" in caplog.text  # it warns of what is weak, as a start does


REFUSED = {
    "not TOML": ("[[[", "is not TOML"),
    "unknown option": ("[policies]\ncal = 'deny'", "policies.cal: no such option; did you mean 'call'?"),
    "needs a restart": ("[server]\nport = 1", "server.port: cannot be changed"),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED)
async def test_refused_as_a_whole(read, silent, caplog, change, said, tmp_path):
    workers = One(Generation(read()))
    before = workers.in_force
    (tmp_path / "authgate.toml").write_text(f"{BASE}\n{change}\n[apps.a.policies]\ncall = 'deny'")
    (fault,) = await Reload(workers, silent).once()
    assert said in fault
    assert said in caplog.text
    assert workers.in_force is before


async def test_a_file_that_is_gone(read, silent, tmp_path):
    workers = One(Generation(read()))
    (tmp_path / "authgate.toml").unlink()
    (fault,) = await Reload(workers, silent).once()
    assert "no such file" in fault


async def test_the_unexpected_refuses_and_is_survived(read, silent, caplog):
    workers = One(Generation(read()), RuntimeError("c4nary"))
    assert await Reload(workers, silent).once() == [UNEXPECTED]
    workers.faults = ()
    assert await Reload(workers, silent).once() == ()


async def test_the_file_is_the_one_of_the_start(read, silent, tmp_path, monkeypatch):
    """Also where it was found by default, and another of that name appears where this process is."""
    workers = One(Generation(read()))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "authgate.toml").write_text("[[[")
    assert await Reload(workers, silent).once() == ()


@pytest.fixture
def worker(read):
    config = read("[targets.t]\nurl = 'http://127.0.0.1:9'\nobserve = ['*']")
    return Worker(Generation(config), None, FakeVerdicts())


async def test_a_worker_shows_the_generation_in_force(worker, read):
    shown = worker._shown()
    assert shown["configuration"]["generation"] == 1
    assert shown["targets"].keys() == {"t"}
    offered = Generation(read("[targets.u]\nurl = 'http://127.0.0.1:9'"), 2)
    assert await worker.take_over(offered) == ()
    assert worker._shown()["configuration"] == {
        "revision": offered.config.revision,
        "generation": 2,
        "loaded_at": offered.loaded_at,
    }
    assert worker._shown()["targets"].keys() == {"u"}
    await worker.end()


async def test_targets_of_before_are_asked_as_long_as_a_hook_may_be_on_its_way(read):
    """One that has begun by the old rules may be about to ask, such as after its password was verified."""
    times = "[server]\ndeadline = 0.3\n[store]\ntimeout = 0.1\n"
    first = read(f'{times}[targets.t]\nurl = "http://127.0.0.1:9"\ntimeout = 0.1')
    worker = Worker(Generation(first), None, FakeVerdicts())
    before = worker._service.targets
    hook = parse(Delivery("playStream", b'{"nodeId":"n","appKey":"a","sessionId":"s"}'))
    assert await worker.take_over(Generation(read(times), 2)) == ()
    for _ in range(3):
        with pytest.raises(TargetError) as error:
            await before.ask("t", hook)
        assert "is not asked any more" not in str(error.value)
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    with pytest.raises(TargetError, match="is not asked any more"):
        await before.ask("t", hook)
    await worker.end()


async def test_a_worker_that_cannot_build_it(worker, read, monkeypatch):
    before = worker.in_force
    for error, faults in (ConfigError(["a: b", "c: d"]), ("a: b", "c: d")), (RuntimeError(), [UNEXPECTED]):
        monkeypatch.setattr(type(worker._service), "prepare", lambda *_, error=error: _raise(error))
        assert await worker.take_over(Generation(read(), 2)) == faults
        assert worker.in_force is before


def _raise(error):
    raise error


async def test_what_was_dropped_is_not_adopted(worker, read):
    before = worker.in_force
    assert await worker.prepare(Generation(read(), 2)) == ()
    await worker.drop()
    worker.adopt()
    assert worker.in_force is before


# -- several workers


class Process:
    """A worker process that answers as it is to answer."""

    def __init__(self, **answers):
        self.answers = answers  # verb: faults, or an exception
        self.told = []
        self.killed = False
        self.pid = 1

    async def ask(self, verb, generation=None):
        self.tell(verb)
        await asyncio.sleep(0)
        answer = self.answers.get(verb, [])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def tell(self, verb):
        self.told.append(verb)

    def kill(self):
        self.killed = True


ALL = [Verb.PREPARE, Verb.ADOPT]
NONE = [Verb.PREPARE, Verb.DROP]
TOGETHER = {
    "all are ready": ({}, {}, (), ALL),
    "one cannot build it": ({}, {"prepare": ["rules[0]: no"]}, ["rules[0]: no"], NONE),
    "none can, for one reason": ({"prepare": ["a", "b"]}, {"prepare": ["b"]}, ["a", "b"], NONE),
    "one is too slow": ({}, {"prepare": TimeoutError()}, ["a worker was not ready within 5 seconds"], NONE),
    "one ends": ({}, {"prepare": ConnectionError()}, ["a worker ended while it was to get ready"], NONE),
    "one cannot be asked": ({}, {"prepare": ValueError()}, [UNEXPECTED], NONE),
}


@pytest.mark.parametrize(("one", "other", "faults", "told"), TOGETHER.values(), ids=TOGETHER)
async def test_all_workers_or_none(read, one, other, faults, told):
    first, offered = Generation(read()), Generation(read(), 2)
    supervisor = Supervisor(first, None)
    workers = [Process(**one), Process(**other)]
    supervisor._workers = dict(enumerate(workers))
    supervisor._all_begun.set()
    assert await supervisor.take_over(offered) == faults
    assert [worker.told for worker in workers] == [told, told]
    assert supervisor.in_force is (first if faults else offered)
    assert not any(worker.killed for worker in workers)


async def test_a_worker_that_is_replaced_meanwhile_was_not_asked(read):
    first = Generation(read())
    supervisor = Supervisor(first, None)
    workers = [Process(), Process()]
    supervisor._workers = dict(enumerate(workers))
    supervisor._all_begun.set()
    taking = asyncio.create_task(supervisor.take_over(Generation(read(), 2)))
    await asyncio.sleep(0)
    supervisor._workers[1] = Process()
    assert await taking == ["a worker ended while it was to get ready"]
    assert supervisor.in_force is first
    assert workers[0].told == NONE


DOUBT = {"one hangs": (TimeoutError(), True), "one is ending": (ConnectionError(), False)}


@pytest.mark.parametrize(("answer", "killed"), DOUBT.values(), ids=DOUBT)
async def test_once_decided_nobody_goes_on_by_the_old(read, answer, killed):
    """One that does not confirm is replaced by one that begins with what is in force."""
    supervisor, offered = Supervisor(Generation(read()), None), Generation(read(), 2)
    workers = [Process(), Process(adopt=answer)]
    supervisor._workers = dict(enumerate(workers))
    supervisor._all_begun.set()
    assert await supervisor.take_over(offered) == ()
    assert supervisor.in_force is offered
    assert [worker.killed for worker in workers] == [False, killed]


async def test_workers_that_do_not_start(read, monkeypatch):
    monkeypatch.setattr("authgate.server.supervisor._STARTS", 0.01)
    first = Generation(read())
    supervisor = Supervisor(first, None)
    (fault,) = await supervisor.take_over(Generation(read(), 2))
    assert fault.startswith("not all workers have started")
    assert supervisor.in_force is first


# -- SIGHUP


@pytest.fixture
def handler():
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_hangups_count_as_one(handler):
    hangups = Hangups()
    for _ in range(20):
        signal.raise_signal(signal.SIGHUP)
    await asyncio.wait_for(hangups.next(), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hangups.next(), 0.05)


async def test_a_hangup_while_waiting(handler):
    hangups = Hangups()
    waiting = asyncio.create_task(hangups.next())
    await asyncio.sleep(0)
    signal.raise_signal(signal.SIGHUP)
    await asyncio.wait_for(waiting, 1)


def test_a_hangup_after_the_loop_has_ended(handler):
    hangups = Hangups()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(hangups.next(), 0.01))
    signal.raise_signal(signal.SIGHUP)
