"""The board of the stages as a page for a browser, from its document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from pytest_promotion.text import legible

_SHOWN: Final = 12  # characters of a digest
_STYLE: Final = """
:root { color-scheme: light dark; --line: #e2e5e9; --dim: #5b6470; --no: #b42318; --yes: #067647; --card: #fff }
* { box-sizing: border-box } body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem;
padding: 1.5rem 1rem; color: #1c2024; background: #f6f7f9 } h1 { font-size: 1.4rem; margin: 0 0 .25rem }
ol { list-style: none; margin: 1.25rem 0; padding: 0; display: grid; gap: 1rem;
grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)) }
li.stage { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0 }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; display: flex; gap: .5rem; align-items: baseline; flex-wrap: wrap }
h2 small { font-weight: 400; color: var(--dim) } h3 { font-size: .95rem; margin: 1rem 0 .25rem }
dl { margin: 0; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .75rem }
dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere } .yes { color: var(--yes) } .no { color: var(--no) }
.dim { color: var(--dim) } ul { margin: .25rem 0 0; padding-left: 1.1rem } ul li { overflow-wrap: anywhere }
code { font: .9em ui-monospace, monospace }
@media (prefers-color-scheme: dark) { :root { --line: #30353b; --dim: #9aa4b2; --no: #f97066; --yes: #47cd89;
--card: #1c2126 } body { background: #15181c; color: #e6e8eb } }
"""


def page(board: Mapping[str, Any]) -> str:
    """The page, which needs nothing else. *board* is what `promotion status --json` prints."""
    return "".join(_page(board))


def _page(board: Mapping[str, Any]) -> Iterator[str]:
    title = "Every step is clear" if board["clear"] else "Something blocks a step"
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Stages: {title}</title><style>{_STYLE}</style></head><body><main>"
    yield f'<h1>Stages: <span class="{_colour(board["clear"])}">{title}</span></h1>'
    yield f'<p class="dim">As of {_moment(board["at_utc"])}</p><ol>'
    for stage in board["stages"]:
        yield from _stage(stage)
    yield "</ol></main></body></html>\n"


def _stage(stage: Mapping[str, Any]) -> Iterator[str]:
    after = f" after {_text(stage['after'])}" if stage["after"] else ""
    yield f'<li class="stage"><h2>{_text(stage["stage"])}<small>profile {_text(stage["profile"])}{after}</small></h2>'
    yield "<dl>"
    decision, deployment = stage["decision"], stage["deployment"]
    yield f"<dt>subject<dd>{_subject(stage['subject'])}"
    if decision is None:
        yield '<dt>decision<dd class="dim">none'
    else:
        passed = decision["status"] == "PASS"
        yield f'<dt>decision<dd><strong class="{_colour(passed)}">{_text(decision["status"])}</strong>'
        yield f" at {_moment(decision['ts_utc'])}<dt>run<dd><code>{_text(decision['run_id'])}</code>"
    if deployment is None:
        yield '<dt>deployed<dd class="dim">not recorded'
    else:
        ended = deployment["ended"]
        yield f'<dt>deployed<dd><span class="{_colour(ended == "deployed")}">{_text(ended)}</span>'
        yield f" at {_moment(deployment['ts_utc'])}, by run <code>{_text(deployment['run_id'])}</code>"
        if ended != "deployed" or deployment.get("allowances"):
            yield f"<dt>runs<dd>{_running(stage['running'])}"
    yield "</dl>"
    yield from _step(stage)
    yield "</li>"


def _step(stage: Mapping[str, Any]) -> Iterator[str]:
    step = stage["step"]
    word = "blocked" if step["blocked_by"] else "not known" if step["unknown"] else "done" if step["done"] else "clear"
    yield f'<h3>Step into {_text(stage["stage"])}: <span class="{_colour(step["clear"])}">{word}</span></h3>'
    yield f"<dl><dt>candidate<dd>{_subject(step['candidate'])}"
    if step["soak_left_s"]:
        yield f"<dt>soak left<dd>{_length(step['soak_left_s'])}"
    yield "</dl>"
    sentences = [*step["blocked_by"], *step["unknown"]]
    if sentences:
        yield "<ul>" + "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences) + "</ul>"


def _subject(subject: Mapping[str, Any] | None) -> str:
    if subject is None:
        return '<span class="dim">none</span>'
    return f"{_text(subject['name'])} {_digest(subject['digest'])}"


def _running(deployment: Mapping[str, Any] | None) -> str:
    if deployment is None:
        return '<span class="dim">not known</span>'
    when, run_id = _moment(deployment["ts_utc"]), _text(deployment["run_id"])
    allowances = _text("".join(f" with {one}" for one in deployment.get("allowances", ())))
    return f"{_digest(deployment['subject'])}, deployed{allowances} at {when} by run <code>{run_id}</code>"


def _digest(digests: Mapping[str, str]) -> str:
    for kind, digest in digests.items():
        whole = f"{_text(kind)}:{_text(digest)}"
        return f'<code title="{whole}">{_text(kind)}:{_text(digest[:_SHOWN])}</code>'
    return "nothing"


def _moment(text: str) -> str:
    return f'<time datetime="{_text(text)}">{_text(text[:19].replace("T", " "))} UTC</time>'


def _length(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _colour(good: bool) -> str:
    return "yes" if good else "no"


def _text(value: object) -> str:
    return escape(legible(value))
