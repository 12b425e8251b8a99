"""``authgate user import`` and ``authgate user export``."""

import io
import json
import stat
import sys

import pytest

from authgate.cli.user_files import Bar

BCRYPT = "$2b$12$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy"
OTHER = "$2b$12$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwi"
PHPASS = "$P$BRIBgCR0aLcjXUq2YlIHQYqWWqd2wS1"
COUNTS = ("added", "changed", "unchanged", "skipped", "bad")


@pytest.fixture
def bring(authgate, tmp_path):
    """Imports a text as a file; gives back the counts, and what was told."""

    def run(text, *arguments, name="users.csv", status=0):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = authgate("user", "import", str(path), "--json", *arguments, status=status)
        found = json.loads(result.stdout)
        return {key: found[key] for key in COUNTS if found[key]}, result.stderr

    return run


def shown(authgate, name):
    return json.loads(authgate("user", "show", name, "--json").stdout)


def names(authgate):
    lines = authgate("user", "export", "--no-hashes", "--format", "jsonl").stdout.splitlines()
    return [json.loads(line)["name"] for line in lines]


def generation(on_store, name):
    return on_store(lambda store: store.users.find(name)).generation


GOOD = {
    "csv": ("users.csv", f"name,hash\nAnn,{BCRYPT}\nbob,\n"),
    "csv in capitals": ("USERS.CSV", f"name,hash\nAnn,{BCRYPT}\nbob,\n"),
    "json lines": ("users.jsonl", f'{{"name":"Ann","hash":"{BCRYPT}"}}\n{{"name":"bob"}}\n'),
    "the other ending of json lines": ("users.ndjson", f'{{"name":"Ann","hash":"{BCRYPT}"}}\n{{"name":"bob"}}'),
    "htpasswd": ("site.htpasswd", f"Ann:{BCRYPT}\nbob:{BCRYPT}\n"),
    "a file that is called so": (".htpasswd", f"Ann:{BCRYPT}\nbob:{BCRYPT}\n"),
}


@pytest.mark.parametrize(("name", "text"), GOOD.values(), ids=GOOD)
def test_users_are_imported_and_a_second_time_nothing_changes(authgate, bring, on_store, name, text):
    assert bring(text, name=name) == ({"added": 2}, "")
    ann = on_store(lambda store: store.users.find("ann"))
    assert (ann.display, ann.hash, ann.enabled) == ("Ann", BCRYPT, True)
    for existing in ("refuse", "update"):
        assert bring(text, "--existing", existing, name=name) == ({"unchanged": 2}, "")
    assert bring(text, "--existing", "skip", name=name) == ({"skipped": 2}, "")
    assert on_store(lambda store: store.users.find("ann")) == ann


def test_standard_input_is_imported(authgate):
    result = authgate("user", "import", "-", "--format", "csv", stdin="name\nann\n")
    assert result.stdout == "added 1, changed 0, unchanged 0, skipped 0, bad 0\n"


FIELDS = {
    "display": ("Anna", "Anna"),
    "enabled": ("false", False),
    "grants": ("play:*", ["play:*"]),
    "groups": ("staff", ["staff"]),
    "not_before": ("2026-01-31", "2026-01-31T00:00:00.000Z"),
    "expires_at": ("1769860800", "2026-01-31T12:00:00.000Z"),
    "max_sessions": ("0", 0),
    "notes": ("x", "x"),
}


@pytest.mark.parametrize(("field", "text", "value"), [(key, *pair) for key, pair in FIELDS.items()], ids=FIELDS)
def test_each_field_comes_in_by_itself(authgate, bring, field, text, value):
    authgate("group", "add", "staff")
    bring(f"name,{field}\nann,{text}\n")
    assert shown(authgate, "ann")[field] == value


def test_a_word_with_joiners_is_a_name_and_a_display(authgate, bring):
    bring("name\nمی\u200cخواهم\n")
    assert shown(authgate, "می\u200cخواهم")["display"] == "می\u200cخواهم"


def test_all_fields_come_in(authgate, bring):
    authgate("group", "add", "staff")
    header = "name,display,enabled,grants,groups,not_before,expires_at,max_sessions,notes"
    bring(f'{header}\nann,Anna,false,play:* !play:x,STAFF,2026-01-31,2027-01-31T12:00Z,2,"a\nb"\n')
    fields = shown(authgate, "ann")
    assert {key: fields[key] for key in (*header.split(","),)} == {
        "name": "ann",
        "display": "Anna",
        "enabled": False,
        "grants": ["play:*", "!play:x"],
        "groups": ["staff"],
        "not_before": "2026-01-31T00:00:00.000Z",
        "expires_at": "2027-01-31T12:00:00.000Z",
        "max_sessions": 2,
        "notes": "a\nb",
    }


BAD = {
    "an unknown form": (
        "name,hash\nann,correct horse\n",
        "hash: its form is unknown; a password in clear has a",
    ),
    "a password in clear": ("name,hash\nann,{CLEAR}x\n", "hash: it is no hash but a password in clear"),
    "a hash that is cut off": (
        f"name,hash\nann,{BCRYPT[:-1]}\n",
        "hash: it is damaged: cut off, or written otherwise than its beginning says\n",
    ),
    "a cost of minutes": (f"name,hash\nann,{BCRYPT.replace('12', '31', 1)}\n", "hash: its cost is absurd: rounds 31"),
    "a form that is not enabled": (f"name,hash\nann,{PHPASS}\n", "hash: hashing.legacy does not list phpass"),
    "a locked one": ("name,hash\nann,!\n", "hash: it is locked: no password opens it\n"),
    "a hash of megabytes": (f"name,hash\nann,{'x' * 10_000}\n", "hash: it is too long"),
    "a name of nothing": ('name\n" "\n', "name: a user name is not empty"),
    "a name with a bell": ("name\nan\an\n", "name: a user name holds no control characters"),
    "a name that is too long": (f"name\n{'x' * 191}\n", "name: a user name has at most 190"),
    "a display that hides": ("name,display\nann,a\u202eb\n", "a display name is"),
    "a name that hides as a display": ("name\na\u00a0é\n", "a display name is"),
    "notes that a terminal would obey": ("name,notes\nann,\x1b[2J\n", "notes are"),
    "a grant that is none": ("name,grants\nann,fly:*\n", "grants: number 1: no such action"),
    "a group that is not there": ("name,groups\nann,choir\n", "groups: number 1: there is no such group"),
    "a group that cannot be": ('name,groups\nann,"[""a\\u0000""]"\n', "groups: number 1: a user name holds no control"),
    "a time before 1970": ("name,expires_at\nann,1969-12-31\n", "expires_at is a time from 1970"),
    "over before it begins": ("name,not_before,expires_at\nann,2027-01-31,2026-01-31\n", "the user would never be let"),
    "too many sessions": ("name,max_sessions\nann,999999999\n", "max_sessions is 0 to"),
    "a hash and a password": (f"name,hash,password\nann,{BCRYPT},secret-1\n", "has a password and a hash"),
    "a password that is too long": (f"name,password\nann,{'x' * 300}\n", "a password has at most"),
    "too few fields": ("name,hash\nann\n", "has 1 fields"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_a_bad_row_is_named_with_its_line_and_nothing_is_written(authgate, bring, text, why):
    header, width = text.split("\n")[0], text.split("\n")[0].count(",")
    text += "zoe" + "," * width + "\n"
    for arguments in ((), ("--dry-run",)):
        counts, told = bring(text, *arguments, status=1)
        assert told.startswith(f"line 2: {why}"), header
        assert counts["bad"] == 1
        assert names(authgate) == []
    counts, told = bring(text, "--only-good", status=1)
    assert (counts, told[: len(why) + 8]) == ({"added": 1, "bad": 1}, f"line 2: {why}")
    assert names(authgate) == ["zoe"]


SECRETS = {
    "a password among the hashes": "name,hash\nann,correct-horse\n",
    "a hash among the grants": "name,grants\nann,correct-horse\n",
    "a hash among the groups": "name,groups\nann,correct-horse\n",
    "a hash among the times": "name,expires_at\nann,correct-horse\n",
    "a hash among the numbers": "name,max_sessions\nann,correct-horse\n",
    "a hash among the truths": "name,enabled\nann,correct-horse\n",
    "a hash and a password": f"name,hash,password\nann,{BCRYPT},correct-horse\n",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_what_may_be_a_secret_is_in_no_words(bring, tmp_path, text):
    _, told = bring(text, "--rejects", str(tmp_path / "bad.csv"), status=1)
    for words in (told, (tmp_path / "bad.csv").read_text()):
        assert "correct-horse" not in words
        assert BCRYPT not in words


def test_the_same_user_twice_is_one_user_too_many(authgate, bring):
    counts, told = bring("name\nANN\nbob\nann\nＡＮＮ\n", "--only-good", status=1)
    assert counts == {"added": 2, "bad": 2}
    assert told.splitlines() == ["line 4: is the same user as line 2", "line 5: is the same user as line 2"]


EXISTING = {
    "refuse, the same": ("refuse", f"name,hash\nANN,{BCRYPT}\n", {"unchanged": 1}, 0),
    "refuse, another hash": ("refuse", f"name,hash\nann,{OTHER}\n", {"bad": 1}, 1),
    "refuse, other groups": ("refuse", "name,groups\nann,\n", {"bad": 1}, 1),
    "refuse, what is not named": ("refuse", "name\nann\n", {"unchanged": 1}, 0),
    "skip": ("skip", f"name,hash\nann,{OTHER}\n", {"skipped": 1}, 0),
    "update, the same": ("update", f"name,hash\nann,{BCRYPT}\n", {"unchanged": 1}, 0),
    "update, another hash": ("update", f"name,hash\nann,{OTHER}\n", {"changed": 1}, 0),
    "update, no hash": ("update", "name,hash\nann,\n", {"changed": 1}, 0),
    "update, other groups": ("update", "name,groups\nann,\n", {"changed": 1}, 0),
    "update, over before it begins": ("update", "name,expires_at\nann,1999-01-01\n", {"bad": 1}, 1),
    "update, grants": ("update", "name,grants\nann,[]\n", {"changed": 1}, 0),
    "update, a display that is empty": ("update", "name,display\nann,\n", {"unchanged": 1}, 0),
}


@pytest.mark.parametrize(("existing", "text", "counts", "status"), EXISTING.values(), ids=EXISTING)
def test_who_is_there_already(authgate, bring, existing, text, counts, status):
    authgate("group", "add", "staff")
    bring(f"name,hash,groups,not_before\nann,{BCRYPT},staff,2026-01-01\n")
    before = shown(authgate, "ann")
    dry, _ = bring(text, "--existing", existing, "--dry-run", status=status)
    assert shown(authgate, "ann") == before
    found, _ = bring(text, "--existing", existing, status=status)
    assert (dry, found) == (counts, counts)
    assert (shown(authgate, "ann") != before) == ("changed" in counts)


CUTS = {
    "another hash": (f"name,hash\nann,{OTHER}\n", True, True),
    "no hash": ("name,hash\nann,\n", True, True),
    "disabled": ("name,enabled\nann,false\n", True, True),
    "other grants": ("name,grants\nann,play:x\n", True, False),
    "other groups": ("name,groups\nann,\n", True, False),
    "notes": ("name,notes\nann,x\n", False, False),
    "another time": ("name,expires_at\nann,2099-01-01\n", False, False),
}


@pytest.mark.parametrize(("text", "tokens", "sessions"), CUTS.values(), ids=CUTS)
def test_a_change_cuts_off_what_the_command_for_it_cuts_off(authgate, bring, on_store, text, tokens, sessions):
    authgate("group", "add", "staff")
    bring(f"name,hash,groups\nann,{BCRYPT},staff\n")
    before = on_store(lambda store: store.users.find("ann"))
    bring(text, "--existing", "update")
    after = on_store(lambda store: store.users.find("ann"))
    assert (after.generation > before.generation, after.cut_off_at is not None) == (tokens, sessions)


def test_groups_that_are_not_there_are_added_where_that_is_asked_for(authgate, bring, tmp_path):
    text = 'name,groups\nann,"[""Choir"",""board""]"\n'
    counts, _ = bring(text, "--create-groups", "--dry-run")
    assert (counts, authgate("group", "list").stdout.count("\n")) == ({"added": 1}, 1)
    bring(text, "--create-groups")
    assert shown(authgate, "ann")["groups"] == ["board", "choir"]


def test_hashes_that_nobody_logs_in_with_are_taken_where_that_is_asked_for(bring, on_store):
    _, told = bring(f"name,hash\nann,{PHPASS}\n", "--all-hashes")
    assert on_store(lambda store: store.users.find("ann")).hash == PHPASS
    assert told == ""
    counts, _ = bring("name,hash\nbob,correct horse\n", "--all-hashes", status=1)
    assert counts == {"bad": 1}


def test_a_form_that_is_enabled_is_taken_and_said_to_be_weak(authgate, path, tmp_path):
    path.write_text(path.read_text().replace("[hashing]", '[hashing]\nlegacy = ["phpass"]'))
    (tmp_path / "a.csv").write_text(f"name,hash\nann,{PHPASS}\n")
    result = authgate("user", "import", str(tmp_path / "a.csv"))
    assert "note: weak hashes, each renewed at its user's next login: 1\n" in result.stderr


def test_passwords_in_clear_are_hashed(authgate, tmp_path, on_store):
    file = tmp_path / "a.csv"
    file.write_text("name,password\nann,correct horse\nbob,\n")
    result = authgate("user", "import", str(file))
    assert "note: passwords in clear in the file, which is to be deleted: 1\n" in result.stderr
    first = on_store(lambda store: store.users.find("ann")).hash
    assert first.startswith("$argon2id$")
    assert on_store(lambda store: store.users.find("bob")).hash is None
    again = authgate("user", "import", str(file))
    assert again.stdout == "added 0, changed 0, unchanged 2, skipped 0, bad 0\n"
    assert on_store(lambda store: store.users.find("ann")).hash == first
    file.write_text("name,password\nann,battery staple\n")
    assert "otherwise: hash" in authgate("user", "import", str(file), status=1).stderr
    authgate("user", "import", str(file), "--existing", "skip")
    assert on_store(lambda store: store.users.find("ann")).hash == first
    authgate("user", "import", str(file), "--existing", "update")
    assert on_store(lambda store: store.users.find("ann")).hash not in (first, None)


def test_the_first_hundred_bad_rows_are_shown_and_all_are_written(bring, tmp_path):
    text = "name\n" + '" "\n' * 250
    _, told = bring(text, status=1)
    assert (told.count("line "), "and 150 more bad rows; --rejects FILE" in told) == (100, True)
    rejects = tmp_path / "bad.csv"
    _, told = bring(text, "--rejects", str(rejects), status=1)
    lines = rejects.read_text().splitlines()
    assert (len(lines), lines[0], lines[-1]) == (251, "line,reason", '251,"name: a user name is not empty"')
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


def test_rejects_overwrite_nothing(authgate, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("name\nann\n")
    result = authgate("user", "import", str(file), "--rejects", str(file), status=1)
    assert result.stderr.startswith(f"error: {file} cannot be written: File exists")
    assert file.read_text() == "name\nann\n"


FILES = {
    "not there": lambda path: None,
    "a directory": lambda path: path.mkdir(),
    "empty": lambda path: path.touch(),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(authgate, tmp_path, make):
    path = tmp_path / "a.csv"
    make(path)
    result = authgate("user", "import", str(path), status=1)
    assert (result.stdout, result.stderr.count("\n"), result.stderr[:7]) == ("", 1, "error: ")


@pytest.mark.parametrize("command", ["import", "export"])
@pytest.mark.parametrize("name", ["users.txt", "users", "users.json"])
def test_a_name_that_does_not_say_the_format_is_usage(authgate, command, name):
    assert "give --format csv|jsonl|htpasswd" in authgate("user", command, name, status=2).stderr


ROWS = f"name,hash\nann,{BCRYPT}\nbob,\n"


def test_an_export_holds_the_hashes_and_says_so(authgate, bring):
    bring(ROWS)
    result = authgate("user", "export")
    assert result.stdout.splitlines() == [
        "name,display,enabled,hash,grants,groups,not_before,expires_at,max_sessions,notes,source,known_as",
        f"ann,ann,true,{BCRYPT},,,,,,,,",
        "bob,bob,true,,,,,,,,,",
    ]
    assert "password hashes are in it" in result.stderr
    assert authgate("user", "export", "--hashes").stderr == ""


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_without_hashes_has_none_and_takes_none_away(authgate, bring, on_store, form):
    bring(ROWS)
    text = authgate("user", "export", "--no-hashes", "--format", form).stdout
    assert (BCRYPT in text, "hash" in text) == (False, False)
    assert bring(text, "--existing", "update", name=f"again.{form}")[0] == {"unchanged": 2}
    assert on_store(lambda store: store.users.find("ann")).hash == BCRYPT


def test_an_export_as_htpasswd_says_what_it_leaves_out(authgate, bring):
    bring(f'name,hash\nann,{BCRYPT}\nbob,\n"a:b",{BCRYPT}\n#x,{BCRYPT}\n')
    result = authgate("user", "export", "--format", "htpasswd")
    assert result.stdout == f"ann:{BCRYPT}\n"
    assert "htpasswd holds names and hashes only; 3 users are left out" in result.stderr
    assert authgate("user", "export", "--format", "htpasswd", "--no-hashes", status=2).stdout == ""


def test_a_file_of_an_export_is_for_its_owner_and_overwrites_nothing(authgate, bring, tmp_path):
    bring(ROWS)
    path = tmp_path / "out" / "users.jsonl"
    path.parent.mkdir()
    assert authgate("user", "export", str(path)).stdout == "exported 2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("mine")
    path.chmod(0o644)
    assert "--force overwrites it" in authgate("user", "export", str(path), status=1).stderr
    assert path.read_text() == "mine"
    authgate("user", "export", str(path), "--force")
    assert path.read_text().count("\n") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["users.jsonl"]


def test_an_export_makes_no_file_where_there_can_be_none(authgate, tmp_path):
    (tmp_path / "a.csv").mkdir()
    for path in (tmp_path / "a.csv", tmp_path / "missing" / "b.csv"):
        assert authgate("user", "export", str(path), "--force", status=1).stderr.startswith("error: ")


def test_a_user_who_comes_in_by_a_file_is_not_let_in_by_what_was_issued_before(authgate, bring, on_store):
    bring("name\nann\n")
    first = generation(on_store, "ann")
    authgate("user", "delete", "ann")
    bring("name\nann\n")
    assert generation(on_store, "ann") > first


class Terminal(io.StringIO):
    def __init__(self, there):
        super().__init__()
        self._there = there

    def isatty(self):
        return self._there


@pytest.mark.parametrize("there", [True, False])
def test_a_bar_is_shown_on_a_terminal_only(monkeypatch, there):
    monkeypatch.setattr("sys.stderr", Terminal(there))
    with Bar() as bar:
        bar.step("reading", 5, 0)
        for seen in (50, 100, 120):
            bar.step("reading", seen, 100)
        bar.step("writing", 100, 100)
        told = sys.stderr.getvalue()
    assert ("reading" in told, "100%" in told, "writing" in told) == (there, there, there)
