"""The older docker-compose, loaded once: a fork of it answers each question, as a process of its own would."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pytest_promotion.evidence.commands import Completed

_LOOP: Final = """
import json, os, sys, tempfile, traceback
from compose.cli.main import main

for line in sys.stdin:
    asked = json.loads(line)
    said = tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(asked["cwd"])
            os.environ.clear()
            os.environ.update(asked["env"])
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.argv = asked["argv"]
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    said.seek(0)
    print(json.dumps([os.waitstatus_to_exitcode(status), said.read().decode("utf-8", "replace")]), flush=True)
"""


class Resident:
    """Answers as `engine._run` does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, words: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Completed:
        assert self._process.stdin
        assert self._process.stdout
        json.dump({"argv": list(words), "cwd": str(cwd), "env": dict(environment)}, self._process.stdin)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        code, output = json.loads(self._process.stdout.readline())
        return Completed(tuple(words), code, output, 0.0)


@contextmanager
def resident(program: str) -> Iterator[Resident]:
    """Loads the docker-compose *program* with the Python that its first line names."""
    python = Path(program).read_text().splitlines()[0].removeprefix("#!").strip()
    pipe = subprocess.PIPE
    with subprocess.Popen([python, "-c", _LOOP], stdin=pipe, stdout=pipe, text=True) as process:
        yield Resident(process)
        assert process.stdin
        process.stdin.close()
