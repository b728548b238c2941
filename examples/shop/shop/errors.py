"""What can go wrong for a caller, each with the HTTP status that says so."""

from collections.abc import Sequence


class ShopError(Exception):
    """Base: a message for the caller, and details by field."""

    status = "500 Internal Server Error"

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class Invalid(ShopError):
    """The request does not say what it must; `details` lists every problem."""

    status = "422 Unprocessable Content"


class Unauthorized(ShopError):
    """The token is missing or wrong."""

    status = "401 Unauthorized"


class NotFound(ShopError):
    """There is no such thing."""

    status = "404 Not Found"


class NotAllowed(ShopError):
    """The thing exists, the method does not."""

    status = "405 Method Not Allowed"


class Conflict(ShopError):
    """The request is fine, but not in this state: sold out, duplicate, already cancelled."""

    status = "409 Conflict"
