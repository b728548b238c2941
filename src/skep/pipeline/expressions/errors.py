"""The one error of this room: where in the expression's text it is, and what to do about it."""

from typing import Literal

from skep.model.errors import SkepError

ErrorKind = Literal["lex", "parse", "evaluate"]


class ExpressionError(SkepError):
    """An expression that cannot be read, or whose evaluation failed: the user must change it.

    `position` is the 0-based offset into the expression's text, `length` how many characters are meant (0 = the end of the text).
    `where` is set by those who know the file.
    """

    exit_code = 2

    def __init__(
        self, message: str, *, kind: ErrorKind, position: int = 0, length: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind: ErrorKind = kind
        self.position = position
        self.length = length
