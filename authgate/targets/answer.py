"""What an answer says: yes, no, or nothing."""

from authgate.ports import Answered
from authgate.strictjson import read_object
from authgate.targets.client import Answer
from authgate.targets.failure import Failure

_LATER = {408, 429}  # refusals of the request, not of the client: it may be asked again
_AWAY = {502, 503, 504}  # what stands before the target, or it itself, says that it cannot now


def understood(answer: Answer) -> Answered:
    """The verdict in an answer, read as the media server reads it: 200 is a yes, other statuses are none.

    Raises:
        Failure: it is no verdict.
    """
    status = answer.status
    if status == 200:
        return Answered(True, _fields(answer.body))
    if refuses(status):
        return Answered(False)
    if 300 <= status < 400:
        raise Failure(f"answers with status {status}, and redirects are not followed")
    raise Failure(f"answers with status {status}", away=comes_back(status))


def refuses(status: int) -> bool:
    """Whether a status says that the hook is not wanted, now or later."""
    return 400 <= status < 500 and status not in _LATER


def comes_back(status: int) -> bool:
    """Whether a status says that the target cannot answer now."""
    return status in _LATER or status in _AWAY


def _fields(body: bytes) -> dict[str, object]:
    if not body.strip():
        return {}
    try:
        return read_object(body)
    except ValueError as fault:
        raise Failure(f"gives an answer that {fault}") from None
