"""Who follows the events in the terminal does not lose any because the store was away."""

import pytest

from tests.cli.following import following, written
from tests.trouble import Line, awaited


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_it_waits_for_a_store_that_is_away(tmp_path, store_url):
    line = Line(store_url)
    try:
        path = tmp_path / "authgate.toml"
        path.write_text(f'[store]\nurl = "{line.url}"\n')
        path.chmod(0o600)
        with following(path) as found:
            awaited(lambda: len(found.lines) == 1)
            written(store_url, {"subject": "one"})
            awaited(lambda: len(found.lines) == 2)
            line.stop()
            written(store_url, {"subject": "two"})
            line.start()
            awaited(lambda: len(found.lines) == 3)
            status, told = found.stop()
    finally:
        line.close()
    assert [each.split()[7] for each in found.lines[1:]] == ["one", "two"]
    assert status == 0
    assert [each.split(":")[0] for each in told.splitlines()] in ([], ["waiting for the store", "the store is back"])
