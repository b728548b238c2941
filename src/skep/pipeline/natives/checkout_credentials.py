"""The token of actions/checkout: masked always, kept in the workspace's `.git/config` only when the user gave one.

Source: actions/checkout `src/git-auth-helper.ts`: `http.<server>/.extraheader` with basic authorization for the user
`x-access-token`; removed by the post phase.
"""

from __future__ import annotations

import base64
import os

from skep.model.errors import HostError
from skep.pipeline.ports import NativeCall, NativeResult

from .checkout_inputs import CheckoutInputs

KEY_IS_MISSING = 5  # git config --unset-all


def mask_token(call: NativeCall, inputs: CheckoutInputs) -> None:
    """Masks the token, and the form it has in a header."""
    for secret in (inputs.token, inputs.ssh_key, _basic(inputs.token) if inputs.token else ""):
        if secret:
            call.log(f"::add-mask::{_escape(secret)}")


def store_token(call: NativeCall, inputs: CheckoutInputs, target: str) -> dict[str, str]:
    """Lets git in later steps use a given token: what the post phase must know to take it out; empty = none stored."""
    config = os.path.join(target, ".git", "config")
    server = _server(call, inputs)
    text = f'[http "{server}/"]\n\textraheader = "AUTHORIZATION: basic {_basic(inputs.token)}"\n'
    if not (inputs.token and inputs.persist_credentials and _append(config, text)):
        return {}
    return {"repositoryPath": target, "tokenKey": f"http.{server}/.extraheader"}


async def forget_token(call: NativeCall) -> NativeResult:
    """The post phase: takes the token out again. Fine when a step has done so, or has removed the folder."""
    target, key = call.state.get("repositoryPath", ""), call.state.get("tokenKey", "")
    if key and _has_config(target):
        ended = await call.run(["git", "config", "--local", "--unset-all", key], target)
        return NativeResult(ok=ended.exit_code in (0, KEY_IS_MISSING))
    return NativeResult()


def _append(config: str, text: str) -> bool:
    """False when there is no such file."""
    try:
        handle = os.open(config, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "ab") as file:
            file.write(text.encode())
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise HostError(f"the token cannot be written to {config}: {exc}") from exc
    return True


def _has_config(target: str) -> bool:
    return os.path.isfile(os.path.join(target, ".git", "config"))


def _server(call: NativeCall, inputs: CheckoutInputs) -> str:
    own = call.github.get("server_url")
    return inputs.server_url or (own.rstrip("/") if isinstance(own, str) and own else "https://github.com")


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
