"""Hash, verify, renew: the only room that knows how passwords are kept."""

from authgate.passwords.generate import generated
from authgate.passwords.hasher import Hasher
from authgate.passwords.hashing import Hashing
from authgate.passwords.machine import Size, fitting, this_machine
from authgate.passwords.policy import PasswordPolicy
from authgate.passwords.schemes import UNKNOWN, Form, recognise, refusal
from authgate.passwords.verified import Remembering

__all__ = [
    "UNKNOWN",
    "Form",
    "Hasher",
    "Hashing",
    "PasswordPolicy",
    "Remembering",
    "Size",
    "fitting",
    "generated",
    "recognise",
    "refusal",
    "this_machine",
]
