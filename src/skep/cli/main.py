"""The door: a command's name is mapped to its module, which is imported then, and errors end here.

Nothing beyond `sys` may be imported above: `skep --version` costs what Python itself costs (a test holds
that).
"""

import sys

COMMANDS = {
    "run": ("skep.cli.run", "run workflows for a trigger"),
    "plan": ("skep.cli.plan", "what would run, and why"),
    "actions": ("skep.cli.actions", "actions of other repositories: lock, update, verify, mirror, list"),
    "lint": ("skep.cli.lint", "check workflow files"),
    "expr": ("skep.cli.expr", "evaluate an expression"),
    "runs": ("skep.cli.runs", "earlier runs: list, show, verify, prune"),
    "logs": ("skep.cli.logs", "what the jobs of a run printed"),
    "why": ("skep.cli.why", "why a workflow, job or step ended as it did"),
    "events": ("skep.cli.events", "the journal of a run: export"),
    "doctor": ("skep.cli.doctor", "what is missing here, and how to mend it"),
}
"""Every command: its module, which offers `configure(parser)` and `run(args) -> int`, and one line of
help."""


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Does what the words say; gives the exit code. Errors of a command become text and a code."""
    first = argv[0] if argv else "--help"
    if first in ("--version", "-V"):
        from skep import __version__

        print(f"skep {__version__}")
        return 0
    if first in ("--help", "-h", "help"):
        if len(argv) < 2 or argv[1] not in COMMANDS:
            print(_help())
            return 0
        argv = [argv[1], "--help"]
    from skep.cli.boundary import guarded

    return guarded(_dispatch, argv)


def _dispatch(argv: list[str]) -> int:
    name = argv[0]
    if name not in COMMANDS:
        raise _unknown(name)
    import argparse
    from importlib import import_module

    module = import_module(COMMANDS[name][0])
    parser = argparse.ArgumentParser(
        prog=f"skep {name}", description=(module.__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
    module.configure(parser)
    return int(module.run(parser.parse_args(argv[1:])))


def _unknown(name: str) -> Exception:
    from difflib import get_close_matches

    from skep.model.errors import UserError

    close = get_close_matches(name, COMMANDS, n=1)
    what = "option" if name.startswith("-") else "command"
    hint = f"did you mean `skep {close[0]}`?" if close else "`skep --help` lists all commands"
    return UserError(f"there is no {what} `{name}`", hint=hint)


def _help() -> str:
    lines = [f"  {name:<8} {help_}" for name, (_, help_) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: skep COMMAND [OPTIONS]",
            "",
            "Runs GitHub Actions workflows natively, and takes a change from commit to production.",
            "",
            *lines,
            "",
            "`skep COMMAND --help` shows a command's options; `skep --version` the version.",
            "Exit codes: 0 fine, 1 the work failed, 2 you must change something, 3 our bug, 130 interrupted.",
        ]
    )


if __name__ == "__main__":
    entry()
