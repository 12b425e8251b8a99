"""Text that is not to be seen: passwords, keys and tokens."""

from typing import Any


class Secret:
    """Text that shows itself nowhere: not in ``repr``, ``str``, a format or a log line."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call it only where it is checked or sent."""
        return self._value

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """How settings read one: from text, and only from text."""
        from pydantic_core import core_schema  # here, so that the values themselves need no library

        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(cls, core_schema.str_schema(min_length=1)),
            ],
            custom_error_type="secret",
            custom_error_message='must be text, { file = "PATH" } or { env = "NAME" }',
        )

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
