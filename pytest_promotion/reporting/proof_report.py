"""The table of a proof, gate by gate: for a terminal, as Markdown, and as a page for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

_ARTIFACTS = 5  # in a terminal
_NAMED = 3  # fields in a line
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2024 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .35rem .6rem; vertical-align: top }
tr { border-bottom: 1px solid #e2e5e9 } .no { color: #b42318 } .yes { color: #067647 } .dim { color: #667085 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } summary { cursor: pointer }
@media (prefers-color-scheme: dark) { body { background: #15181c; color: #e6e8eb } tr { border-color: #30353b } }
"""


def terminal(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, bool]]]:
    """The lines of a session's summary, with their colours: a line a gate, and a line a survivor."""
    width = max((len(gate["name"]) for gate in table["gates"]), default=0)
    columns = table["families"]
    yield f"{'gate':<{width}}" + "".join(f"{name:>9}" for name in columns), {"bold": True}
    for gate in table["gates"]:
        cells = "".join(f"{_cell_of(gate, name):>9}" for name in columns)
        said = gate["why_not"] or ("excused by the policy" if gate["excused"] else "")
        yield f"{gate['name']:<{width}}{cells}  {said}".rstrip(), _colour(gate["proven"])
        for survivor in gate["survivors"]:
            yield f"  {survivor}", {"red": True}
    yield from ((line, {}) for line in _unread_lines(table))
    for name in table["missing"]:
        yield f"{name:<{width}}  is required and was not tried", {"red": True}
    for problem in table["problems"]:
        yield problem, {"red": True}


def verdict(table: dict[str, Any], path: str) -> tuple[str, dict[str, bool]]:
    """The last line."""
    word = "every gate can fail by what it reads" if table["proven"] else "NOT PROVEN"
    counts = (
        f"{table['killed']} of {table['tried']} sabotages noticed by {len(table['gates'])} gates{_unread_total(table)}"
    )
    return f"promotion: {word} ({counts}) {path}", _colour(table["proven"])


def _unread_total(table: dict[str, Any]) -> str:
    fields = sum(one["fields"] for one in table["coverage"])
    unread = sum(len(one["unread"]) for one in table["coverage"])
    return f"; {unread} of {fields} fields are read by no gate" if unread else ""


def _unread_lines(table: dict[str, Any]) -> Iterator[str]:
    """The artifacts of which no gate reads most, each with the first of its fields."""
    partly = sorted((one for one in table["coverage"] if one["unread"]), key=lambda one: -len(one["unread"]))
    for one in partly[:_ARTIFACTS]:
        count, names = len(one["unread"]), ", ".join(one["unread"][:_NAMED])
        more = ", …" if count > _NAMED else ""
        yield f"{one['artifact']}: {count} of {one['fields']} fields are read by no gate: {names}{more}"
    if len(partly) > _ARTIFACTS:
        yield f"{len(partly) - _ARTIFACTS} more artifacts have fields that no gate reads; the report lists them"


def markdown(table: dict[str, Any]) -> str:
    """The table as Markdown."""
    return "\n".join(_markdown(table)) + "\n"


def _markdown(table: dict[str, Any]) -> Iterator[str]:
    yield f"# Proof: {'every gate can fail by what it reads' if table['proven'] else 'not proven'}"
    yield ""
    yield f"{table['killed']} of {table['tried']} sabotages were noticed; the floor is {table['min_kill_rate']:.0%}."
    yield ""
    columns = table["families"]
    yield f"| gate | severity |{''.join(f' {name} |' for name in columns)} kill rate | why not |"
    yield f"|---|---|{'---:|' * len(columns)}---:|---|"
    for gate in table["gates"]:
        cells = "".join(f" {_cell_of(gate, name)} |" for name in columns)
        yield f"| {gate['name']} | {gate['severity']} |{cells} {_rate(gate)} | {_cell(gate['why_not'])} |"
    for name in table["missing"]:
        yield f"| {name} | |{' |' * len(columns)} - | is required and was not tried |"
    survivors = [survivor for gate in table["gates"] for survivor in gate["survivors"]]
    if survivors or table["problems"]:
        yield ""
        yield "## Survivors"
        yield ""
        yield from (f"- {_cell(survivor)}" for survivor in [*survivors, *table["problems"]])
    excused = [(gate["name"], one) for gate in table["gates"] for one in gate["attempts"] if one["equivalent_because"]]
    if excused:
        yield ""
        yield "## Declared to make no difference"
        yield ""
        for name, one in excused:
            where = f" ({one['field']})" if one["field"] else ""
            yield f"- {name}: {one['artifact']}{where}, {one['sabotage']}: {_cell(one['equivalent_because'])}"
    partly = [one for one in table["coverage"] if one["unread"]]
    if partly:
        yield ""
        yield "## Fields that no gate reads"
        yield ""
        yield "What is wrong with them is noticed by no gate, and nothing is proven of them."
        yield ""
        for one in partly:
            names = ", ".join(map(_cell, one["unread"]))
            yield f"- {_cell(one['artifact'])}: {len(one['unread'])} of {one['fields']}: {names}"


def html(table: dict[str, Any]) -> str:
    """The table as one page that needs nothing else."""
    return "".join(_html(table))


def _html(table: dict[str, Any]) -> Iterator[str]:
    title = "Every gate can fail by what it reads" if table["proven"] else "Not proven"
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    yield f'<h1 class="{"yes" if table["proven"] else "no"}">{title}</h1>'
    counts = f"{table['killed']} of {table['tried']} sabotages were noticed"
    yield f"<p>{counts}; the floor is {table['min_kill_rate']:.0%}.</p>"
    columns = table["families"]
    heads = "".join(f'<th class="n">{name}' for name in columns)
    yield f'<table><tr><th>gate<th>severity{heads}<th class="n">kill rate<th>attempts</tr>'
    for gate in table["gates"]:
        yield f'<tr><td class="{"yes" if gate["proven"] else "no"}">{escape(gate["name"])}'
        yield f"<td>{escape(gate['severity'])}" + "".join(_number(gate, name) for name in columns)
        yield f'<td class="n">{_rate(gate)}<td>'
        yield "".join(f'<div class="no">{escape(survivor)}</div>' for survivor in gate["survivors"])
        yield f'<div class="no">{escape(gate["why_not"])}</div>' if gate["why_not"] else ""
        yield "<details><summary>all</summary><table>" + "".join(map(_attempt, gate["attempts"])) + "</table></details>"
    for name in [*table["missing"], *table["problems"]]:
        blank = "<td>" * len(columns)
        yield f'<tr><td class="no">{escape(name)}<td>{blank}<td><td class="no">was not tried or went wrong'
    yield "</table>"
    partly = [one for one in table["coverage"] if one["unread"]]
    if partly:
        yield "<h2>Fields that no gate reads</h2>"
        yield "<p>What is wrong with them is noticed by no gate, and nothing is proven of them.</p><table>"
    for one in partly:
        yield f'<tr><td>{escape(one["artifact"])}<td class="n">{len(one["unread"])} of {one["fields"]}'
        yield f"<td>{escape(', '.join(one['unread']))}"
    yield "</table></html>\n" if partly else "</html>\n"


def _attempt(one: dict[str, Any]) -> str:
    colour = "yes" if one["killed"] else "dim" if one["equivalent_because"] else "no"
    said = one["said"] or one["equivalent_because"] or "passed"
    cells = (one["artifact"], one["field"], one["sabotage"], said)
    return f'<tr class="{colour}">' + "".join(f"<td>{escape(cell)}" for cell in cells) + "</tr>"


def _cell_of(gate: dict[str, Any], family: str) -> str:
    """How many of a family were noticed, of how many."""
    found = gate["families"].get(family)
    return f"{found['killed']}/{found['tried']}" if found else "-"


def _number(gate: dict[str, Any], family: str) -> str:
    found = gate["families"].get(family)
    bad = found is not None and found["killed"] < found["tried"]
    return f'<td class="n{" no" if bad else ""}">{_cell_of(gate, family)}'


def _rate(gate: dict[str, Any]) -> str:
    if gate["kill_rate"] is None:
        return "excused" if gate["excused"] else "-"
    return f"{gate['kill_rate']:.0%}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _colour(good: bool) -> dict[str, bool]:
    return {"green": True} if good else {"red": True}
