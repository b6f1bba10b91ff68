"""Groups of commands that are imported when they are called, and listed without importing them."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from pytest_promotion.cli.output import say_lines, show_error
from pytest_promotion.errors import PolicyError
from pytest_promotion.text import learn_secrets

USAGE: Final = 4
Section = tuple[str, Mapping[str, tuple[str, str]]]  # a title, and by name: where a command is, and its summary


def loaded(target: str) -> click.Command:
    """The command at `package.module:attribute`."""
    module, _, attribute = target.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


class LazyGroup(click.Group):
    """A group of commands by name, each as `package.module:attribute`."""

    def __init__(self, *args: Any, targets: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._targets = dict(targets or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._targets) or super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = self._targets.get(cmd_name)
        return loaded(target) if target else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name[:1] != "-" and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.known_names(ctx), n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def known_names(self, ctx: click.Context) -> list[str]:
        """The names that a misspelt one may have been meant as."""
        return self.list_commands(ctx)


class MainGroup(LazyGroup):
    """
    The `promotion` command: the core's commands in sections, and the installed suites.

    A suite's commands are below its name. They stay callable without it, as they were published first. Wrong usage
    ends with 4 and not with click's 2, which means no.
    """

    def __init__(self, *args: Any, sections: list[Section], **kwargs: Any) -> None:
        super().__init__(*args, targets={name: at for _, rows in sections for name, (at, _) in rows.items()}, **kwargs)
        self._sections = sections

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        learn_secrets(fresh=True)
        try:
            code = super().main(*args, **kwargs)
        except click.UsageError as problem:
            show_error(problem)
            raise SystemExit(USAGE) from None
        except PolicyError as problem:  # a suite that cannot be used
            show_error(click.ClickException(str(problem)))
            raise SystemExit(USAGE) from None
        except click.ClickException as problem:
            show_error(problem)
            raise SystemExit(3) from None
        except click.Abort:
            raise SystemExit(3) from None
        except Exception:  # noqa: BLE001 - an error of this program, whose message may hold what was in a file
            say_lines(traceback.format_exc().rstrip(), err=True)
            raise SystemExit(3) from None
        raise SystemExit(code or 0)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        from pytest_promotion.suites import registry

        return [*self._targets, *(name for name in registry.names() if name not in self._targets)]

    def known_names(self, ctx: click.Context) -> list[str]:
        from pytest_promotion import suites

        return [*self.list_commands(ctx), *(name for suite in suites.installed() for name in suite.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name in self._targets:
            return loaded(self._targets[cmd_name])
        # Looking for the installed suites takes as long as all of `promotion run` may.
        from pytest_promotion import suites
        from pytest_promotion.suites import registry

        if cmd_name in registry.names():
            suite = suites.find(cmd_name)
            return LazyGroup(cmd_name, targets=suite.commands, help=suite.summary, no_args_is_help=True)
        for suite in suites.installed():
            target = suite.commands.get(cmd_name) or suite.aliases.get(cmd_name)
            if target:
                return loaded(target)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        from pytest_promotion import suites

        for title, rows in self._sections:
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in rows.items()])
        with formatter.section("Suites (promotion SUITE --help lists their commands)"):
            formatter.write_dl([(suite.name, suite.summary) for suite in suites.installed()])
