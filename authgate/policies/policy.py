"""What a policy is."""

from typing import Protocol

from authgate.model import Hook, Principal, Reason


class Policy(Protocol):
    """The judge that a rule names."""

    @property
    def refuses(self) -> bool:
        """Whether it ever rejects. The media server is told to obey wherever it does."""
        ...

    @property
    def asks_client(self) -> bool:
        """Whether it must know who the client is; where not, nobody is looked up."""
        ...

    def judge(self, hook: Hook, client: Principal | Reason) -> Reason:
        """``Reason.OK`` or why not; ``client`` is who it is, or why that is not known."""
        ...
