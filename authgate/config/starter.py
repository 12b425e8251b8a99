"""The configuration that ``authgate init`` writes, with secrets that nobody has seen before."""

import os
import secrets
from pathlib import Path

from authgate.errors import ConfigError, Refused

NAME = "authgate.toml"
_BYTES = 32  # of each secret: 256 bits, as HS256 wants (RFC 7518, 3.2)

_TEXT = """\
# authgate's configuration. It holds secrets: keep it readable by its owner alone (mode 0600).
# Every option that is not here has its default; `authgate config show` lists them all.

[server]
host = "127.0.0.1"      # only this machine; a listener that others reach needs a [caller] section
port = 8080

[store]
url = "sqlite:///authgate.db"   # beside this file; or postgresql://... or mariadb://...

# Whoever has this key can make tokens for every user.
[[verifiers]]
type = "token"
key = "{token_key}"

[[verifiers]]
type = "password"

# What authgate issues itself: tokens signed with keys of its own that rotate, stream keys, signed addresses. Take away
# the '#', give the verifier above an issuer (the iss of its tokens), and run: authgate key generate
# [[verifiers]]
# type = "issued"
# master_keys = ["{master_key}"]

# Where the media server is on another machine, take away the '#' of the next two lines ...
# [caller]
# hmac_keys = ["{hmac_key}"]
# ... and put these two lines into the media server's flashphoner.properties, and restart it:
#   rest_hook_send_hash=true
#   rest_hook_secret_key={hmac_key}
"""


def text() -> str:
    """A starter configuration with fresh secrets."""
    return _TEXT.format(
        token_key=secrets.token_hex(_BYTES),
        hmac_key=secrets.token_hex(_BYTES),
        master_key=secrets.token_hex(_BYTES),
    )


def write(folder: Path, *, force: bool) -> Path:
    """Write a starter configuration into a folder, which is made where it is not there; its path comes back.

    Raises:
        Refused: one is there already, and it was not forced.
        ConfigError: it cannot be written there.
    """
    path = folder / NAME
    fresh = folder / f".{NAME}.{secrets.token_hex(4)}" if force else path
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made new, so that no one who could read an older file, or put a link in its place, reads the secrets.
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text())
                file.flush()
                os.fsync(file.fileno())
            if force:
                fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)  # half a configuration would only be in the way
            raise
    except FileExistsError:
        what = f"{path} is there already; --force replaces it" if folder.is_dir() else f"{folder} is not a folder"
        raise Refused(what) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from None
    return path
