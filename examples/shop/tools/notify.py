"""Says how the jobs of a run ended: `notify.py`, with the JSON of `needs` in NEEDS; posted to NOTIFY_URL when there is one.

Writes `status` to GITHUB_OUTPUT and a table to the summary. The run itself is not judged again: it has failed already when a job
has; only a message that cannot be delivered fails here.
"""

import json
import os
import sys
import urllib.request

WORST = ("failure", "cancelled")


def main() -> int:
    """1 when the message could not be delivered."""
    results = {name: need["result"] for name, need in json.loads(os.environ["NEEDS"]).items()}
    status = next((word for word in WORST if word in results.values()), "success")
    text = message(results, status)
    write("GITHUB_OUTPUT", f"status={status}\n")
    write("GITHUB_STEP_SUMMARY", text + table(results))
    print(text)
    for name, result in results.items():
        print(f"{name}: {result}")
    url = os.environ.get("NOTIFY_URL", "")
    return post(url, {"status": status, "text": text, "results": results}) if url else 0


def message(results: dict[str, str], status: str) -> str:
    """One sentence."""
    names = {
        word: [name for name, result in results.items() if result == word] for word in (*WORST, "skipped")
    }
    told = [f"{word}: {', '.join(found)}" for word, found in names.items() if found]
    return f"{os.environ.get('TITLE', 'The run')}: {status}{''.join(f'; {part}' for part in told)}\n"


def table(results: dict[str, str]) -> str:
    """The same as Markdown."""
    rows = "".join(f"| {name} | {result} |\n" for name, result in results.items())
    return f"\n| job | result |\n|---|---|\n{rows}"


def write(variable: str, text: str) -> None:
    """Appends to the file that a variable names."""
    name = os.environ.get(variable, "")
    if name:
        with open(name, "a", encoding="utf-8") as file:
            file.write(text)


def post(url: str, body: object) -> int:
    """0 when it was taken."""
    if not url.startswith(("http://", "https://")):
        print("::error title=Not notified::the secret NOTIFY_URL is no web address; give it as `https://...`")
        return 1
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=20).close()
    except OSError as error:
        print(f"::error title=Not notified::{error}; is the secret NOTIFY_URL right?")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
