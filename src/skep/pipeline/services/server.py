"""Listens on this machine's own address and serves each connection on a thread."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from skep.model.errors import HostError

from .connection import App, Connection, Limits

MOST_CONNECTIONS = 256
_BACKLOG = 256
_JOIN_S = 5.0
_BREATH_S = 0.05


class Server:
    """Order: construct, `start`, `close`. Only processes of this machine can reach it: it listens on 127.0.0.1."""

    def __init__(
        self, app: App, *, limits: Limits | None = None, report: Callable[[str], None] = lambda _: None
    ):
        self._app = app
        self._limits = limits or Limits()
        self._report = report
        self._listener: socket.socket | None = None
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def start(self) -> int:
        """Begins to serve, and gives the port. Raises HostError."""
        try:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        except OSError as error:
            raise HostError(
                f"cannot listen on 127.0.0.1: {error.strerror or error}",
                hint="JavaScript actions reach artifacts and caches there; see `skep doctor`",
            ) from error
        threading.Thread(
            target=self._accept, args=(self._listener,), name="skep-services", daemon=True
        ).start()
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Ends all connections, also those that are served just now. Safe to repeat."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is None:
            return
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            threads = list(self._open.values())
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(_JOIN_S)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            self._room.acquire()
            try:
                sock, _ = listener.accept()
            except OSError:
                self._room.release()
                if self._listener is None:
                    return
                time.sleep(_BREATH_S)  # no file descriptor is free, most likely
                continue
            thread = threading.Thread(target=self._serve, args=(sock,), name="skep-services", daemon=True)
            with self._lock:  # `close` either sees it started, or has happened
                if self._listener is None:
                    sock.close()
                    return
                self._open[sock] = thread
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Connection(sock, self._app, self._limits, self._report).run()
        finally:
            with self._lock:
                self._open.pop(sock, None)
            self._room.release()
