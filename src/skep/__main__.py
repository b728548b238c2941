"""`python -m skep`."""

from skep.cli.main import entry

if __name__ == "__main__":
    entry()
