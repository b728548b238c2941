"""One connection: requests read from a socket, answers written to it, one after the other.

Blocking, on a thread of its own: a slow reader stops only itself, and bytes go from socket to disk and back without a
buffer that grows.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from .http_values import (
    LARGEST_HEAD_BYTES,
    FilePart,
    Head,
    HttpError,
    Request,
    Response,
    parse_chunk_size,
    parse_head,
)

App = Callable[[Request], Response]
"""Answers a request. May raise HttpError."""

_PIECE_BYTES = 256 << 10
_DRAIN_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a connection may take, in seconds."""

    idle_s: float = 300.0  # between two requests
    head_s: float = 20.0  # from a head's first byte to its last
    silence_s: float = 60.0  # between two bytes of a body, and for the other side to take what we send
    linger_s: float = 2.0  # for what still comes after a refusal


class Closed(Exception):  # noqa: N818  what happened
    """The other side is gone, or too slow."""


class Connection:
    """Serves one socket until it is closed."""

    def __init__(self, sock: socket.socket, app: App, limits: Limits, report: Callable[[str], None]) -> None:
        self._sock = sock
        self._app = app
        self._limits = limits
        self._report = report
        self._ahead = b""  # received, and not yet used

    def run(self) -> None:
        """All requests of the connection. Raises nothing."""
        with contextlib.suppress(Closed, OSError):
            while self._serve_one():
                pass

    def _serve_one(self) -> bool:
        try:
            text = self._read_head()
            if text is None:
                return False
            head = parse_head(text)
        except HttpError as error:
            self._send(error_response(error), keep_alive=False, body=True)
            self._linger()
            return False
        body = _SocketBody(self, head)
        response, usable = self._answer(Request(head=head, body=body))
        unknown = response.parts is not None and response.size_bytes is None
        keep_alive = head.keep_alive and usable and body.finish(_DRAIN_BYTES)
        keep_alive = keep_alive and (head.takes_chunks or not unknown)
        chunked = unknown and head.takes_chunks
        self._send(response, keep_alive=keep_alive, body=head.method != "HEAD", chunked=chunked)
        if not keep_alive and not body.is_over:
            self._linger()
        return keep_alive

    def _answer(self, request: Request) -> tuple[Response, bool]:
        try:
            return self._app(request), True
        except HttpError as error:
            return error_response(error), not error.close
        except (Closed, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the service for all others
            self._report(f"{request.head.method} {request.head.path}: {type(error).__name__}: {error}")
            return error_response(HttpError(500, "Skep failed at this request", code="internal")), True

    # --- in --------------------------------------------------------------------------------------------------------------
    def _read_head(self) -> bytes | None:
        if not self._ahead:
            self._ahead = self.receive(self._limits.idle_s)
            if not self._ahead:
                return None
        ahead = self._ahead.lstrip(b"\r\n") if self._ahead[:1] in (b"\r", b"\n") else self._ahead
        deadline = time.monotonic() + self._limits.head_s
        while (end := ahead.find(b"\r\n\r\n")) < 0:
            if len(ahead) > LARGEST_HEAD_BYTES:
                raise HttpError(431, "the head of the request is too long", close=True)
            more = self.receive(max(deadline - time.monotonic(), 0.001))
            if not more:
                return None
            ahead += more
        if end > LARGEST_HEAD_BYTES:
            raise HttpError(431, "the head of the request is too long", close=True)
        self._ahead = ahead[end + 4 :]
        return ahead[:end]

    def receive(self, within_s: float) -> bytes:
        """What comes next; b'' at the end. Raises Closed."""
        self._sock.settimeout(within_s)
        try:
            return self._sock.recv(_PIECE_BYTES)
        except TimeoutError:
            raise Closed from None

    def take(self, view: memoryview) -> int:
        """Fills a part of `view` with what comes next; 0 at the end. Raises Closed."""
        if self._ahead:
            count = min(len(view), len(self._ahead))
            view[:count] = self._ahead[:count]
            self._ahead = self._ahead[count:]
            return count
        self._sock.settimeout(self._limits.silence_s)
        try:
            return self._sock.recv_into(view)
        except TimeoutError:
            raise Closed from None

    def take_line(self) -> bytes:
        """The next line of a chunked body, without its end. Raises HttpError, Closed."""
        while (end := self._ahead.find(b"\r\n")) < 0:
            if len(self._ahead) > 4096:
                raise HttpError(400, "a line of the body is too long", close=True)
            more = self.receive(self._limits.silence_s)
            if not more:
                raise cut_short()
            self._ahead += more
        line, self._ahead = self._ahead[:end], self._ahead[end + 2 :]
        return line

    # --- out -------------------------------------------------------------------------------------------------------------
    def say_continue(self) -> None:
        """Lets a client that waits for it send its body."""
        self._sock.settimeout(self._limits.silence_s)
        self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, response: Response, *, keep_alive: bool, body: bool, chunked: bool = False) -> None:
        self._sock.settimeout(self._limits.silence_s)
        head = _head_bytes(response, keep_alive=keep_alive, chunked=chunked)
        if response.parts is None:
            self._sock.sendall(head + (response.body if body else b""))
            return
        self._sock.sendall(head)
        if body:
            for part in response.parts:
                self._send_part(part, chunked=chunked)
            if chunked:
                self._sock.sendall(b"0\r\n\r\n")

    def _send_part(self, part: bytes | memoryview | FilePart, *, chunked: bool) -> None:
        size = part.size_bytes if isinstance(part, FilePart) else len(part)
        if not size:
            return
        if chunked:
            self._sock.sendall(b"%x\r\n" % size)
        if isinstance(part, FilePart):
            with open(part.path, "rb") as file:
                if self._sock.sendfile(file, part.offset, size) != size:
                    raise Closed
        else:
            self._sock.sendall(part)
        if chunked:
            self._sock.sendall(b"\r\n")

    def _linger(self) -> None:
        """Takes what still comes for a moment: closing at once could destroy the answer on its way."""
        with contextlib.suppress(Closed, OSError):
            self._sock.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + self._limits.linger_s
            while (left := deadline - time.monotonic()) > 0 and self.receive(left):
                pass


class _SocketBody:
    """The body of one request. See `Body`."""

    def __init__(self, connection: Connection, head: Head) -> None:
        self._connection = connection
        self._expects = head.headers.get("expect", "").lower() == "100-continue"
        self.size_bytes = head.length
        self.is_over = head.length == 0
        self._begun = False

    def pieces(self, limit_bytes: int) -> Iterator[memoryview]:
        if self.is_over or self._begun:
            return
        if self.size_bytes is not None and self.size_bytes > limit_bytes:
            raise too_large(limit_bytes)
        self._begun = True
        if self._expects:
            self._connection.say_continue()
        buffer = memoryview(bytearray(min(self.size_bytes or _PIECE_BYTES, _PIECE_BYTES)))
        if self.size_bytes is not None:
            yield from self._exactly(self.size_bytes, buffer)
        else:
            yield from self._chunks(limit_bytes, buffer)
        self.is_over = True

    def read(self, limit_bytes: int) -> bytes:
        return b"".join(bytes(piece) for piece in self.pieces(limit_bytes))

    def finish(self, limit_bytes: int) -> bool:
        """Throws away what the app did not read; False when that is too much, and the connection of no more use."""
        if self.is_over:
            return True
        if self._begun or self._expects:
            return False
        try:
            for _ in self.pieces(limit_bytes):
                pass
        except HttpError:
            return False
        return True

    def _exactly(self, size: int, buffer: memoryview) -> Iterator[memoryview]:
        left = size
        while left:
            count = self._connection.take(buffer[: min(left, len(buffer))])
            if not count:
                raise cut_short()
            left -= count
            yield buffer[:count]

    def _chunks(self, limit_bytes: int, buffer: memoryview) -> Iterator[memoryview]:
        total = 0
        while size := parse_chunk_size(self._connection.take_line()):
            total += size
            if total > limit_bytes:
                raise too_large(limit_bytes)
            yield from self._exactly(size, buffer)
            if self._connection.take_line():
                raise HttpError(400, "a chunk is longer than its size", close=True)
        trailers = 0
        while self._connection.take_line():
            trailers += 1
            if trailers > 100:
                raise HttpError(400, "too many lines behind the body", close=True)


def cut_short() -> HttpError:
    """The other side went away within a body."""
    return HttpError(400, "the body ends too early", code="malformed", close=True)


def too_large(limit_bytes: int) -> HttpError:
    """A body above its limit."""
    return HttpError(
        413, f"the body may have no more than {limit_bytes} bytes", code="RequestBodyTooLarge", close=True
    )


def error_response(error: HttpError) -> Response:
    """A refusal in plain text, where the app gave no better shape."""
    return Response(
        status=error.status,
        headers={"Content-Type": "text/plain; charset=utf-8"},
        body=f"{error.message}\n".encode("utf-8", "replace"),
    )


def _head_bytes(response: Response, *, keep_alive: bool, chunked: bool) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif response.status != HTTPStatus.NO_CONTENT:
        size = len(response.body) if response.parts is None else response.size_bytes
        if size is not None:  # else the end of the connection is the end
            lines.append(f"Content-Length: {size}")
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
