"""Sections [users] and [[user_sources]]: what is wrong is said before the start, and what is weak at it."""

import pytest

from authgate.config import load, shown
from authgate.errors import ConfigError
from authgate.sources.engine import source_url
from authgate.sources.options import in_order

CANARY = "c4nary"
GOOD = "SELECT login AS name, pass AS hash FROM t WHERE login = :name"
POSTGRESQL = f"postgresql://u:{CANARY}@127.0.0.1/d"


def source(name="old", url=POSTGRESQL, query=GOOD, more=""):
    return f"[[user_sources]]\nname = '{name}'\nurl = '{url}'\nquery = '''{query}'''\n{more}\n"


def read(folder, text, environ=None):
    path = folder / "authgate.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, environ or {})


def faults(folder, text):
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return list(caught.value.faults)


HELP = "use sqlite:///PATH, postgresql://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME"
FAULTS = {
    "nothing": ("[[user_sources]]", "user_sources[0].name: is missing; it has no default"),
    "a name that is none": (
        source("my site"),
        "user_sources[0].name: is 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or a digit",
    ),
    "the store's name": (
        source("store"),
        "user_sources[0].name: 'store' is what the store itself is called in users.order; choose another",
    ),
    "one name twice": (
        source() + source(),
        "user_sources[1].name: there is another source 'old'; choose another name",
    ),
    "an address that is none": (
        source(url=CANARY),
        "user_sources[0].url: is not the address of a database, such as postgresql://USER:PASSWORD@HOST/NAME",
    ),
    "an address without a database": (
        source(url=f"mariadb://u:{CANARY}@127.0.0.1"),
        f"user_sources[0].url: does not name the database; {HELP}",
    ),
    "a database in memory": (
        source(url="sqlite:///:memory:"),
        f"user_sources[0].url: does not name a file: what is in memory is gone after a restart; {HELP}",
    ),
    "an option of an address that is not known": (
        source(url=f"{POSTGRESQL}?opt={CANARY}"),
        "user_sources[0].url: has an option that is not known; known here: host, ssl, sslmode",
    ),
    "several servers": (
        source(url=POSTGRESQL.replace("/d", ",db2/d")),
        "user_sources[0].url: names several hosts, and only the store may",
    ),
    "an engine that nobody knows": (
        source(url=f"dbase://{CANARY}"),
        "user_sources[0].url: names a database or a driver that SQLAlchemy does not know",
    ),
    "an engine without a driver": (
        source(url=f"mssql+aioodbc://u:{CANARY}@h/d"),
        "user_sources[0].url: needs the driver aioodbc, which is not installed beside authgate",
    ),
    "a driver that holds everybody up": (
        source(url=f"mssql+pyodbc://u:{CANARY}@h/d"),
        "user_sources[0].url: names a driver that would hold up everybody who waits; name an asynchronous one",
    ),
    "no query": (source(query=""), "user_sources[0].query: is no SELECT; it begins with SELECT, or with WITH"),
    "a query without the parameter": (
        source(query="SELECT login AS name, pass AS hash FROM t"),
        "user_sources[0].query: the parameter :name is missing; write it without quotes, as in: WHERE login = :name",
    ),
    "two statements": (
        source(query=f"{GOOD}; DELETE FROM t"),
        "user_sources[0].query: holds more than one statement; write one SELECT",
    ),
    "a query that writes": (
        source(query=f"WITH x AS (DELETE FROM t RETURNING *) {GOOD}"),
        "user_sources[0].query: holds the word DELETE; a source is only read (quote it where it is a name)",
    ),
    "a column that the query does not give": (
        source(query="SELECT login AS name, user_pass FROM t WHERE login = :name"),
        "user_sources[0].columns.hash: the query gives no column 'hash'",
    ),
    "a column that is mistyped": (
        source(more="[user_sources.columns]\nhash = 'pas'"),
        "user_sources[0].columns.hash: the query gives no column 'pas'; did you mean 'pass'?",
    ),
    "a meaning that there is none of": (
        source(more="[user_sources.columns]\nenabeld = 'x'"),
        "user_sources[0].columns.enabeld: no such option; did you mean 'enabled'?",
    ),
    "values of a column that is not given": (
        source(more="[user_sources.columns]\nenabled_values = ['1']"),
        "user_sources[0].columns.enabled_values: are those of the column enabled, which is not given",
    ),
    "values that are no text": (
        source(query=f"{GOOD} AND state", more="[user_sources.columns]\nenabled = 'state'\nenabled_values = [0]"),
        "user_sources[0].columns.enabled_values[0]: must be text",
    ),
    "adopt that says nothing": (
        source(more="adopt = 'copy'"),
        "user_sources[0].adopt: must be 'no', 'link' or 'move'",
    ),
    "typed names that nobody keeps": (
        source(more="parameter = 'typed'"),
        'user_sources[0].parameter: \'typed\' needs adopt = "link" or "move": whoever does not type a name, such as a '
        "token or a session, is found by what the store has kept of it",
    ),
    "longer than a hook may take": (
        source(more="timeout = 2.0"),
        "user_sources[0].timeout: must be less than server.deadline (2 seconds)",
    ),
    "no time at all": (source(more="timeout = 0"), "user_sources[0].timeout: must be more than 0"),
    "no connection at all": (source(more="pool = 0"), "user_sources[0].pool: must be at least 1"),
    "a look that serves for a day": (source(more="recheck = 86400"), "user_sources[0].recheck: must be at most 3600"),
    "an order that names nobody": (
        "[users]\norder = ['store', 'odl']\n" + source(),
        "users.order[1]: there is no source 'odl'; did you mean 'old'?",
    ),
    "an order that names one twice": (
        "[users]\norder = ['store', 'old', 'store']\n" + source(),
        "users.order[2]: 'store' stands there twice",
    ),
    "an order that leaves one out": (
        "[users]\norder = ['store']\n" + source(),
        "user_sources[0].name: 'old' is not in users.order, so nobody would ask it",
    ),
    "a move to a store that is asked later": (
        "[users]\norder = ['old', 'store']\n" + source(more="adopt = 'move'"),
        "user_sources[0].adopt: 'move' needs 'store' before 'old' in users.order: who was moved is the store's",
    ),
    "a move to a store that is not asked": (
        "[users]\norder = ['old']\n" + source(more="adopt = 'move'"),
        "user_sources[0].adopt: 'move' needs 'store' before 'old' in users.order: who was moved is the store's",
    ),
    "users that are added where nobody looks": (
        f"[users]\norder = ['old']\n[[verifiers]]\ntype = 'token'\nkey = '{'k' * 32}'\nusers = 'create'\n" + source(),
        "verifiers[0].users: 'create' adds users to the store, where nobody would look for them; put 'store' into "
        "users.order",
    ),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_fault(tmp_path, text, fault):
    told = faults(tmp_path, text)
    assert fault in told
    assert not any(CANARY in line for line in told)


def test_all_faults_at_once(tmp_path):
    told = faults(tmp_path, source("a b", url="x"))
    assert [line.partition(":")[0] for line in told] == ["user_sources[0].name", "user_sources[0].url"]


def test_a_query_that_gives_everything_may_have_any_column(tmp_path):
    read(tmp_path, source(query="SELECT * FROM t WHERE login = :name", more="[user_sources.columns]\nenabled = 'x'"))


URLS = {
    "sqlite": ("sqlite:///x.db", "sqlite+aiosqlite"),
    "postgresql": (POSTGRESQL, "postgresql+asyncpg"),
    "another driver for it": ("postgresql+psycopg2://h/d", "postgresql+asyncpg"),
    "mariadb": ("mariadb://h/d", "mysql+aiomysql"),
    "mysql": ("mysql+pymysql://h/d?unix_socket=/run/mysqld.sock", "mysql+aiomysql"),
}


@pytest.mark.parametrize(("url", "driver"), URLS.values(), ids=URLS)
def test_an_address_gets_the_driver_that_is_there(tmp_path, url, driver):
    [found] = read(tmp_path, source(url=url)).user_sources
    assert source_url(found.url.reveal()).drivername == driver


def test_a_file_stands_beside_the_configuration(tmp_path):
    [found] = read(tmp_path, source(url="sqlite:///site.db")).user_sources
    assert found.url.reveal() == f"sqlite:///{tmp_path}/site.db"


def test_by_a_variable(tmp_path):
    text = source().replace(f"url = '{POSTGRESQL}'\n", "")
    (tmp_path / "url").write_text(f"{POSTGRESQL}\n")
    environ = {"AUTHGATE_USER_SOURCES__0__URL_FILE": str(tmp_path / "url"), "AUTHGATE_USER_SOURCES__0__RECHECK": "5"}
    [found] = read(tmp_path, text, environ).user_sources
    assert (found.url.reveal(), found.recheck) == (POSTGRESQL, 5)


ORDERS = {
    "none": ("", ("store", "one", "two")),
    "empty": ("[users]\norder = []\n", ("store", "one", "two")),
    "given": ("[users]\norder = ['two', 'store', 'one']\n", ("two", "store", "one")),
    "without the store": ("[users]\norder = ['one', 'two']\n", ("one", "two")),
}


@pytest.mark.parametrize(("head", "order"), ORDERS.values(), ids=ORDERS)
def test_order(tmp_path, head, order):
    config = read(tmp_path, head + source("one") + source("two"))
    assert in_order(config.users, config.user_sources) == order


def test_shown_without_its_password(tmp_path):
    tree = shown(read(tmp_path, source()))
    assert tree["user_sources"][0]["url"] == "postgresql://u:***@127.0.0.1/d"
    assert CANARY not in str(tree)


def test_no_user_has_to_be_in_the_store(tmp_path):
    verifier = '[[verifiers]]\ntype = "password"\n'
    assert read(tmp_path, verifier).needs_stored_users()
    assert not read(tmp_path, verifier + source()).needs_stored_users()


FAR = "postgresql://u:p@192.0.2.1/d"
CLEAR = "user_sources[0].url is reached without TLS: password hashes cross the network in clear"
FIRST = "user_sources[0] is asked before the store: who can register there may take the name of a user of the store"
WEAK = {
    "near": (source(), None),
    "far, in clear": (source(url=FAR), CLEAR),
    "far, perhaps in clear": (source(url=f"{FAR}?sslmode=prefer"), CLEAR),
    "far, encrypted": (source(url=f"{FAR}?sslmode=verify-full"), None),
    "far, MySQL": (source(url="mysql://u:p@192.0.2.1/d"), CLEAR),
    "far, MySQL, encrypted": (source(url="mysql://u:p@192.0.2.1/d?ssl_ca=ca.pem"), None),
    "a socket": (source(url="mysql://u:p@h/d?unix_socket=/run/mysqld.sock"), None),
    "a folder of sockets": (source(url="postgresql:///d?host=/run/postgresql"), None),
    "before the store": ("[users]\norder = ['old', 'store']\n" + source(), FIRST),
    "instead of the store": ("[users]\norder = ['old']\n" + source(), None),
    "skipped": (
        source(more="insecure_skip_while_away = true"),
        "user_sources[0].insecure_skip_while_away is on: while it is away, users of its names elsewhere are let in",
    ),
    "moved": (
        source(more="adopt = 'move'"),
        "user_sources[0].adopt is move: a user who has been moved stays when the source disables or deletes it",
    ),
    "linked": (source(more="adopt = 'link'"), None),
}


@pytest.mark.parametrize(("text", "weakness"), WEAK.values(), ids=WEAK)
def test_weakness(tmp_path, text, weakness):
    told = [line for line in read(tmp_path, text).warnings() if "user_sources" in line]
    assert told == ([weakness] if weakness else [])
