"""The key that OIDC tokens are signed with: made by `openssl`, kept for this user alone, replaced in time.

The command is used instead of a library: a library for RSA takes longer to import than a whole run may take to begin, and a
machine that has git over HTTPS has `openssl` as a rule. A key signs for KEY_LIFE_S; verifiers find the one before it for
as long as its tokens hold.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from skep.host.clock import Clock
from skep.host.locks import lock_exclusive
from skep.host.process import ProgramNotFound, run_sync
from skep.model.errors import HostError

from .tokens import Json, encode_segment, to_base64

KEY_LIFE_S: Final = 30 * 86_400.0
_BITS = "2048"
_EXPONENT = "AQAB"  # 65537, what openssl takes unless told otherwise
_COMMAND_S = 60.0
_KEPT = 2
_NO_OPENSSL = "OIDC tokens are signed by `openssl`, which is not on PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key. Its private part never leaves its file."""

    path: str
    modulus: str  # URL-safe base64

    @property
    def id(self) -> str:
        """Its thumbprint. Source: RFC 7638."""
        members = f'{{"e":"{_EXPONENT}","kty":"RSA","n":"{self.modulus}"}}'
        return to_base64(hashlib.sha256(members.encode()).digest())

    @property
    def public(self) -> dict[str, Json]:
        """As verifiers read it. Source: RFC 7517, RFC 7518."""
        fixed: dict[str, Json] = {"kty": "RSA", "alg": "RS256", "use": "sig", "e": _EXPONENT}
        return {**fixed, "kid": self.id, "n": self.modulus}

    def sign(self, claims: dict[str, Json]) -> str:
        """A JWT with these claims. Raises HostError."""
        header: dict[str, Json] = {"alg": "RS256", "kid": self.id, "typ": "JWT"}
        signed = f"{encode_segment(header)}.{encode_segment(claims)}"
        signature = _openssl(["dgst", "-sha256", "-sign", self.path], signed.encode())
        return f"{signed}.{to_base64(signature)}"


class SigningKeys:
    """The keys of one user, in a folder. Any number of threads and processes may use it."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._known: dict[str, SigningKey] = {}

    def current(self) -> SigningKey:
        """The key to sign with; made when there is none, or the last one is too old. Raises HostError."""
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            with lock_exclusive(f"{self._folder}/lock"):
                names = self._names()
                if not names or self._clock.now() - _made_at(names[-1]) > KEY_LIFE_S:
                    names.append(self._make())
                for old in names[:-_KEPT]:
                    os.unlink(f"{self._folder}/{old}")
                return self._read(names[-1])
        except OSError as error:
            raise HostError(f"cannot keep a key in `{self._folder}`: {error.strerror or error}") from error

    def public(self) -> list[dict[str, Json]]:
        """All keys that tokens may be signed with, newest first. Raises HostError."""
        self.current()
        return [self._read(name).public for name in reversed(self._names()[-_KEPT:])]

    def _names(self) -> list[str]:
        return sorted(
            name for name in os.listdir(self._folder) if name.endswith(".pem") and name[0].isdigit()
        )

    def _make(self) -> str:
        name = f"{int(self._clock.now()):012}.pem"
        text = _openssl(["genrsa", _BITS], b"")
        path = f"{self._folder}/{name}"
        new = os.open(
            f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        with open(new, "wb") as file:
            file.write(text)
        os.rename(f"{path}.new", path)
        return name

    def _read(self, name: str) -> SigningKey:
        if name not in self._known:
            path = f"{self._folder}/{name}"
            said = _openssl(["rsa", "-in", path, "-noout", "-modulus"], b"").decode("ascii", "replace")
            modulus = bytes.fromhex(said.strip().removeprefix("Modulus="))
            self._known[name] = SigningKey(path=path, modulus=to_base64(modulus))
        return self._known[name]


def _made_at(name: str) -> float:
    return float(name.partition(".")[0])


def _openssl(arguments: Sequence[str], given: bytes) -> bytes:
    try:
        done = run_sync(["openssl", *arguments], cwd="/", input=given, timeout_s=_COMMAND_S)
    except ProgramNotFound:
        raise HostError(_NO_OPENSSL, hint="install `openssl`, or do without `id-token: write`") from None
    if done.exit_code:
        words = done.stderr.decode("utf-8", "replace").strip()[-500:]
        raise HostError(f"`openssl {arguments[0]}` failed: {words}")
    return done.stdout
