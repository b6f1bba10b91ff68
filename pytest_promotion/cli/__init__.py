"""The `promotion` command."""


def main() -> None:
    raise SystemExit(4)
