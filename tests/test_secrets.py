"""Secrets hygiene: what is found, what is left alone, and that a report never leaks what it reports."""

from __future__ import annotations

import base64
import builtins
import datetime as dt
import importlib.util
import json
import logging
import os
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion.clock import Clock
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.secrets import allowlist, detectors, dotenv, findings, prefilter, texts
from pytest_promotion.secrets.lines import Line
from pytest_promotion.secrets.scan import Scanner
from pytest_promotion.suites.trading.secrets_report import check

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 5, 20, 12, 0, tzinfo=dt.UTC)
KEY = b"a key for these tests only"
ALNUM = string.ascii_letters + string.digits


def fake(length: int = 32, alphabet: str = ALNUM, seed: int = 7) -> str:
    """Something that looks like a secret and that no file holds."""
    return "".join(random.Random(seed).choices(alphabet, k=length))


def load(name: str):
    """A module of the benchmarks."""
    path = Path(__file__).parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))  # one corpus takes words from the other
logs = load("labelled_logs")
unseen = load("unseen_logs")


@pytest.fixture(scope="module")
def scanner():
    """All rules, with the engine that is installed."""
    return Scanner()


@pytest.fixture(autouse=True)
def own_key(monkeypatch, tmp_path_factory):
    """No test reads or writes the user's key."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv(findings.KEY_VARIABLE, raising=False)


def look(root: Path, **options):
    """The report on *root* and the exit code."""
    return check(root, clock=Clock(NOW), **({"key": KEY} | options))


def rules_of(document):
    return [one["rule"] for one in document["findings"]]


def put(root: Path, name: str, content: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


KINDS = logs.TUNED | logs.HELD_OUT | unseen.UNSEEN
BENIGN = logs.BENIGN | unseen.PLAIN


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_secret_is_found(scanner, kind):
    """A kind that is not known can be written into every log and the gate stays green."""
    for seed in range(20):
        line = KINDS[kind](random.Random(seed))
        assert scanner.matches(Line(line.strip())), seed


@pytest.mark.parametrize("kind", BENIGN)
def test_what_is_no_secret_is_left_alone(scanner, kind):
    """A scan that cries at every SHA-256 is switched off within a week."""
    for seed in range(40):
        assert scanner.matches(Line(BENIGN[kind](random.Random(seed)).strip())) == []


@pytest.mark.parametrize(
    "line",
    [
        'X = "{s}"; "db_password": "{s}"',
        "export QUAY_SECRET='{s}'",
        "client-secret: {s}",
        "clientSecret={s}",
        "<password>{s}</password>",
        "login --token {s} --verbose",
        "GET /v1?access_token={s}&page=2",
        'body: "{{\\"passphrase\\": \\"{s}\\"}}"',
        "DB_PASS={s}",
        "password: ${{DB_PASSWORD:-{s}}}",
        "Proxy-Authorization: Basic {s}",
        "curl -H 'Authorization: Token {s}'",
    ],
    ids=["json", "export", "dashed", "camel", "xml", "flag", "query", "escaped", "pass", "default", "proxy", "curl"],
)
def test_a_key_announces_its_secret_in_every_notation(scanner, line):
    """The earlier scan knew one notation, and JSON was not it."""
    text = line.format(s=fake())
    assert any(text[one.start : one.end] == fake() for one in scanner.matches(Line(text)))


@pytest.mark.parametrize(
    "line",
    [
        "password: ${DB_PASSWORD}",
        "password: {{ vault.password }}",
        "token: <your-token-here>",
        'api_key = os.environ["API_KEY"]',
        "secret: /run/secrets/db_password",
        "secret_arn: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
        "PASSWORD=changeme",
        "token: sha256:" + "ab" * 32,
        "max_token: 123456789",
        '"password": "must be at least 12 characters"',
        'token_path = "/var/lib/quay/token"',
        "next_page_token=CAoQAA1234567890abcdef",
        "the token: expired yesterday",
        "PWD=/home/quay/work",
    ],
)
def test_what_stands_for_a_secret_is_none(scanner, line):
    """Templates and references are what people should write instead; they must not be punished for it."""
    assert scanner.matches(Line(line)) == []


@pytest.mark.parametrize(
    "text",
    [
        "machine api.example.com\n  login deploy\n  password {s}\n",
        "machine api.example.com login deploy\npassword {s}\n",
        "machine api.example.com\n  password {s}\n  login deploy\n",
        "default login deploy password {s}\n",
        "- name: DB_PASSWORD\n  value: {s}\n",
        '{{"name": "API_KEY",\n "value": "{s}"}}\n',
        '{{\n\t"auths": {{\n\t\t"registry.test": {{\n\t\t\t"auth": "{b}"\n\t\t}}\n\t}}\n}}\n',
        "auth: {b}\n",
        "type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {d}\n",
        "docker login -u ci -p {s} registry.test\n",
        "mysqldump -h db -u ops -p{s} quay\n",
        "sshpass -p {s} ssh ops@quay\n",
    ],
    ids=[
        "lines",
        "two",
        "order",
        "default",
        "env",
        "json",
        "docker",
        "yaml",
        "kubernetes",
        "login",
        "mysql",
        "sshpass",
    ],
)
@pytest.mark.parametrize("engine", ["auto", "python"])
def test_a_password_beside_its_login_is_found(tmp_path, text, engine):
    """Files that programs keep their logins in have no word like `password=`, and were clean whatever stood in them."""
    login = base64.b64encode(f"deploy:{fake(20)}".encode()).decode()
    whole = base64.b64encode(json.dumps({"auths": {"registry.test": {"auth": login}}}).encode()).decode()
    put(tmp_path, "a.txt", text.format(s=fake(18), b=login, d=whole))
    document, code = look(tmp_path, engine=engine)
    assert (document["finding_count"], code) == (1, 2)
    for secret in (fake(18), login, whole):
        assert secret not in json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        "machine api.example.com login deploy password ${API_PASSWORD}\n",
        "default login anonymous password deploy@example.com\n",
        "the machine answers\nthe password expired yesterday\n",
        "- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: db, key: password}}\n",
        "- name: DB_PASSWORD\n  value: ${DB_PASSWORD}\n",
        "- name: TOKEN_LIMIT\n  value: 4096000\n",
        '{"auths": {"registry.test": {}}, "credsStore": "desktop"}\n',
        "auth: required\nauth=oauth2proxy\n",
        "curl -u $USER:$PASSWORD https://api.test\n",
        "mysql -p quay\n",
        "redis-cli -h bus -a $REDIS_PASSWORD ping\n",
    ],
)
def test_a_login_without_its_password_is_none(tmp_path, text):
    """References in such files are what people should write."""
    put(tmp_path, "a.txt", text)
    assert look(tmp_path)[0]["findings"] == []


def test_a_pem_block_is_found_on_many_lines_and_a_page_about_keys_is_not(tmp_path):
    """A private key is the secret that opens everything, and its lines look harmless one by one."""
    mark = "-----BEGIN RSA PRIVATE" + " KEY-----"
    put(tmp_path, "key.txt", f"see below\n{mark}\n" + "\n".join(fake(64, seed=n) for n in range(4)) + "\n")
    put(tmp_path, "page.md", f"A key begins with `{mark}` and then has\nits body.\n")
    document, code = look(tmp_path)
    assert [(one["path"], one["line"], one["rule"]) for one in document["findings"]] == [("key.txt", 2, "private-key")]
    assert code == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
@pytest.mark.parametrize("engine", ["auto", "python"])
def test_every_encoding_is_read(tmp_path, encoding, engine):
    """A log that a Windows tool wrote in UTF-16 was skipped, and its secrets with it."""
    text = f"Höhe über dem Pier\r\nnothing\r\napi_key={fake()}\r\nend é\r\n"
    put(tmp_path, "a.log", text.encode(encoding))
    document, _ = look(tmp_path, engine=engine)
    assert [(one["line"], one["rule"]) for one in document["findings"]] == [(3, "keyword")]


@pytest.mark.parametrize("before", ["é", "\x1c", "\x85", "\u017f"], ids=["accent", "separator", "next-line", "long-s"])
def test_both_engines_agree_on_letters_that_only_one_of_them_knows(before):
    """A blank that one engine does not take for one would hide what stands behind it."""
    block = f"x{before}AKCp{fake(20)} y\n{before}api_key{before}={fake()}\nplain\n".encode()
    found = [set(Scanner(engine=one).block(texts.Block(block, 1, (), ()))) for one in ("auto", "python")]
    assert found[0] == found[1]


def test_a_binary_is_skipped_and_said(tmp_path):
    """What was not looked at must not look like what was found clean."""
    put(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9)
    put(tmp_path, "a.txt", "text")
    document, code = look(tmp_path)
    assert (document["binary_files"], document["scanned_files"], code) == (["a.png"], 1, 0)


@pytest.mark.parametrize(
    "start",
    ["MZ", "%PDF-", "PAR1 ", "\u041f\u0440\u0438\u0432\u0435\u0442 " * 20],
    ids=["program", "pdf", "parquet", "cyrillic"],
)
def test_a_text_that_begins_like_a_binary_is_a_text(tmp_path, start):
    """Two letters at the start of a file must not hide the rest of it."""
    put(
        tmp_path,
        "a.txt",
        f"{start}\napi_key={fake()}\n".encode("cp1251"),
    )
    assert rules_of(look(tmp_path)[0]) == ["keyword"]


def test_a_log_that_begins_with_zeros_is_scanned(tmp_path):
    """A log that was cut while a service wrote into it begins with zeros, and is no binary."""
    put(tmp_path, "a.log", b"\0" * 100_000 + f"\napi_key={fake()}\n".encode())
    assert rules_of(look(tmp_path)[0]) == ["keyword"]


def test_a_large_file_is_read_to_its_end_in_bounded_memory(tmp_path):
    """Files over five megabytes used to be skipped: the largest log is the likeliest place."""
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        for _ in range(300):
            file.write(b"tick 100.0 spread 0.1 order filled at berth\n" * 2500)
        file.write(f"api_key={fake()}\n".encode())
    code = (
        "import resource, pathlib; from pytest_promotion.suites.trading.secrets_report import check;"
        f"check(pathlib.Path({str(tmp_path / 'none')!r}), key=b'k' * 16);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        f"print(check(pathlib.Path({str(path)!r}), key=b'k' * 16)[0]['findings'][0]['line']);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    put(tmp_path, "none/a.txt", f"api_key={fake()}")
    line, grown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(line) == 750_001
    assert int(grown) < 20_000  # kilobytes, for a file of 33 MB


@pytest.mark.parametrize("at", [0, 1 << 17, (1 << 17) - 20, (1 << 20) - 20, 3_000_000], ids=str)
def test_a_secret_anywhere_in_one_long_line_is_found_once(tmp_path, at):
    """Minified JSON is one line; a secret across the seam of two pieces would be cut in two."""
    line = "a " * (at // 2) + f' "api_key": "{fake()}" ' + "b " * 1_000_000
    put(tmp_path, "a.json", line)
    document, _ = look(tmp_path)
    assert [(one["rule"], one["match_excerpt"]) for one in document["findings"]] == [
        ("keyword", "api_key: *** (32 characters)")
    ]


@pytest.mark.parametrize("engine", ["auto", "python"])
def test_nothing_that_the_librarys_structured_detectors_find_is_lost(tmp_path, engine):
    """A prefilter that loses a finding is a hole that nobody can see."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    lines = [text for text, _ in logs.corpus(11, 300, 12, KINDS)]
    draw = random.Random(3)
    # What only the library knows: each of its forms, in a line of its own.
    lines += [
        f"x AKCp{fake(30)} y",
        f"artif password AP6{fake(30)} ",
        f"azure AccountKey={fake(86)}==",
        f"cl_key={fake(64, '0123456789abcdef')}",
        f"{draw.choice('MNO')}{fake(23)}.{fake(6)}.{fake(27)}",
        f"ibm_cloud_api_key = {fake(44)}",
        f"cos_hmac_secret_access_key={fake(48, '0123456789abcdef')}",
        f"{fake(32, '0123456789abcdef')}-us12",
        f"softlayer_key={fake(64, string.ascii_lowercase + string.digits)}",
        f"sq0csp-{fake(43)}",
        f"AC{fake(32, string.ascii_lowercase + string.digits)}",
        "  indented: " + f"SK{fake(32, string.ascii_lowercase + string.digits)}",
    ]
    for name in ("a.log", "b.yaml", "c.ini"):
        path = put(tmp_path, name, "\n".join(lines) + "\n")
        names = [type(rule.find.args[0]).__name__ for rule in detectors.library()]
        with transient_settings({"plugins_used": [{"name": one} for one in names]}):
            theirs = {(one.line_number, one.type) for one in scan_file(str(path))}
        ours = {number for number, _, _ in Scanner(engine=engine).file(path, lambda _size: None)}
        assert len(theirs) > 100
        assert {number for number, _ in theirs} <= ours


def test_both_engines_find_the_same(tmp_path):
    """Where the wheel is missing the scan may be slower, and must not be blinder."""
    lines = [text for text, _ in logs.corpus(5, 400, 10, KINDS)]
    path = put(tmp_path, "a.log", "\r\n".join(lines))
    found = [list(Scanner(engine=engine).file(path, lambda _size: None)) for engine in ("hyperscan", "python")]
    assert found[0] == found[1]
    assert len(found[0]) >= 200


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
            st.sampled_from(
                ["api_key=", "AKIA", "password: ", "\r", "\n", "://", "a:b@", "xoxb-1-", "AC", "azure ", '"', " ", "="]
            ),
            st.text(ALNUM, min_size=20, max_size=60),
        ),
        max_size=30,
    )
)
def test_the_engines_agree_on_any_text(parts):
    """A difference that only odd bytes show is one that an attacker shows first."""
    block = "".join(parts).replace("\r", "\n").encode() + b"\n"
    made = [each(detectors.rules()).candidates(block) for each in (prefilter.Hyperscan, prefilter.Python)]
    for start, numbers in made[1].items():
        end = block.index(b"\n", start)
        line = Line(texts.decode(block[start:end]).strip())
        for number in numbers - made[0].get(start, set()):
            assert list(detectors.rules()[number].find(line)) == []


def test_without_the_wheel_the_scan_goes_on(monkeypatch, tmp_path):
    """There is no wheel for some machine, and that machine has secrets too."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "hyperscan":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    put(tmp_path, "a.txt", f"api_key={fake()}")
    document, code = look(tmp_path)
    assert (document["engine"], document["finding_count"], code) == ("python", 1, 2)


def test_without_the_library_nothing_is_clean(monkeypatch, tmp_path):
    """Half the rules find half the secrets, and say that all is well."""
    monkeypatch.setitem(sys.modules, "detect_secrets.plugins", None)
    detectors.library.cache_clear()
    detectors.rules.cache_clear()
    try:
        put(tmp_path, "a.txt", "text")
        document, code = look(tmp_path)
    finally:
        detectors.library.cache_clear()
        detectors.rules.cache_clear()
    assert (document["status"], code) == ("fail", 3)
    assert "pip install" in document["errors"][0]


def test_a_damaged_cache_is_compiled_again(tmp_path, monkeypatch):
    """An engine that loads half a database crashes, or finds half."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rules = detectors.rules()[-3:]
    prefilter.Hyperscan(rules)
    [stored] = (tmp_path / "pytest-promotion").iterdir()
    whole = stored.read_bytes()
    stored.write_bytes(whole[: len(whole) // 2])
    line = f"api_key={fake()}\n".encode()
    assert prefilter.Hyperscan(rules).candidates(line) == {0: {2}}
    assert stored.read_bytes() == whole
    stored.chmod(0o666)  # anybody may have written it
    assert prefilter._trusted(stored) is None


def test_no_report_log_or_error_holds_a_secret(tmp_path, caplog):
    """A report is archived, mailed and scanned again: it is the widest leak there is."""
    caplog.set_level(logging.DEBUG)
    secrets = []
    for number, (name, make) in enumerate(KINDS.items()):
        line = make(random.Random(number))
        put(tmp_path, f"in/{name}.txt", line)
        secrets += [line[one.start : one.end] for one in Scanner().matches(Line(line))]
    put(tmp_path, f"in/ghp_{fake(36)}.txt", "a file that is named by its token")
    secrets.append(fake(36))
    look(tmp_path / "in", reports=tmp_path / "out")
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir()) + caplog.text
    assert len(secrets) > 20
    assert not [one for one in secrets if one in written]


@settings(max_examples=50, deadline=None)
@given(st.text(ALNUM + "!#%&+-/_.", min_size=12, max_size=60))
def test_no_part_of_a_value_is_shown(value):
    """Even its first three letters narrow a password down."""
    scanner, kept = Scanner(engine="python"), findings.Findings(KEY)
    line = f'"db_password": "{value}"'
    for match in scanner.matches(Line(line)):
        kept.add("a", 1, match, line[match.start : match.end])
    for one in kept.sorted():
        assert not any(value[at : at + 6] in one.match_excerpt for at in range(len(value) - 5))


def test_a_key_that_bears_a_secret_is_not_shown(tmp_path):
    """The excerpt shows the key, and a token can be a part of it."""
    put(tmp_path, "a.txt", f"npm_{fake(36)}_password={fake(seed=3)}\nghp_{fake(36)}.token={fake(seed=4)}\n")
    document, _ = look(tmp_path)
    assert document["finding_count"] >= 3
    assert fake(36) not in json.dumps(document)


def test_a_rule_that_trips_fails_the_scan_and_quotes_nothing(tmp_path, monkeypatch):
    """An error's message that holds the line is in every log of the pipeline."""
    put(tmp_path, "a.txt", f"api_key={fake()}")
    put(tmp_path, "b.txt", f"api_key={fake()}")

    def file(self, path, progress):
        if path.name == "a.txt":
            raise ValueError(fake())
        return real(self, path, progress)

    real = Scanner.file
    monkeypatch.setattr(Scanner, "file", file)
    document, code = look(tmp_path)
    assert (document["status"], document["finding_count"], code) == ("fail", 1, 2)
    assert document["unreadable_files"] == [{"path": "a.txt", "reason": "a rule failed on it: ValueError"}]
    assert fake() not in json.dumps(document)


def test_a_fingerprint_stays_when_lines_move_and_changes_with_the_secret(tmp_path):
    """An allowance for one secret must neither end with an edit above it nor cover the next secret."""
    path = put(tmp_path, "a.txt", f"api_key={fake()}\n")
    first = look(tmp_path)[0]["findings"][0]
    path.write_text(f"one\ntwo\napi_key={fake()}\n")
    moved = look(tmp_path)[0]["findings"][0]
    path.write_text(f"api_key={fake(seed=8)}\n")
    other = look(tmp_path)[0]["findings"][0]
    assert (moved["line"], moved["fingerprint"]) == (3, first["fingerprint"])
    assert other["fingerprint"] != first["fingerprint"]


def test_a_fingerprint_cannot_be_tried_out_without_the_key(tmp_path):
    """Whoever has the report could try a list of passwords against a plain hash."""
    put(tmp_path, "a.txt", f"api_key={fake()}")
    one, two = (look(tmp_path, key=key)[0] for key in (KEY, b"another key, as long"))
    assert one["findings"][0]["fingerprint"] != two["findings"][0]["fingerprint"]
    assert one["fingerprint_key"] != two["fingerprint_key"]
    assert KEY.decode() not in json.dumps(one)


def test_the_key_is_made_once_and_is_its_users_own(monkeypatch):
    """A key that others can read is none, and one that changes voids every allowance."""
    key = findings.fingerprint_key()
    assert findings.fingerprint_key() == key
    place = Path(os.environ["XDG_STATE_HOME"]) / "pytest-promotion" / "fingerprint.key"
    assert place.stat().st_mode & 0o777 == 0o600
    place.chmod(0o644)
    with pytest.raises(Unproven, match="read by others"):
        findings.fingerprint_key()
    monkeypatch.setenv(findings.KEY_VARIABLE, "short")
    with pytest.raises(Unproven, match="5 bytes"):
        findings.fingerprint_key()


def test_the_same_secret_again_is_one_finding_with_its_count(tmp_path):
    """A leak that a loop writes a million times must not fill the memory, nor hide the second leak."""
    put(tmp_path, "a.log", f"api_key={fake()}\n" * 500 + f"api_key={fake(seed=9)}\n")
    document, _ = look(tmp_path)
    assert [(one["line"], one["occurrences"], len(one["lines"])) for one in document["findings"]] == [
        (1, 500, 20),
        (501, 1, 1),
    ]


def test_forty_tokens_are_forty_findings(tmp_path):
    """The library takes the tokens' prefix for the secret, and counts forty as one."""
    put(tmp_path, "a.log", "".join(f"ghp_{fake(36, seed=n)}\n" for n in range(40)))
    assert look(tmp_path)[0]["finding_count"] == 40


class TestAllowing:
    """The allow-list: strict, reasoned, and over some day."""

    def allow(self, root: Path, *entries: dict) -> Path:
        return put(root.parent, "allow.yaml", json.dumps({"version": 1, "allow": list(entries)}))

    @pytest.fixture
    def root(self, tmp_path):
        put(tmp_path / "in", "a.txt", f"api_key={fake()}\n")
        return tmp_path / "in"

    @pytest.mark.parametrize("by", ["fingerprint", "place"])
    def test_what_is_allowed_is_listed_and_not_counted(self, root, by):
        """An allowance nobody sees is a way to hide things."""
        found = look(root)[0]["findings"][0]
        what = {"fingerprint": found["fingerprint"]} if by == "fingerprint" else {"path": "a.txt", "rule": "keyword"}
        document, code = look(root, allow=self.allow(root, what | {"reason": "rotated", "expires": "2026-05-20"}))
        assert (document["status"], document["finding_count"], code) == ("pass", 0, 0)
        assert document["allowed"][0]["reason"] == "rotated"

    def test_it_ends(self, root):
        """What was to be mended until May is still there in June, and nobody remembers."""
        entry = {"path": "a.txt", "rule": "keyword", "reason": "rotated", "expires": "2026-05-19"}
        document, code = look(root, allow=self.allow(root, entry))
        assert (document["status"], document["finding_count"], code) == ("fail", 1, 2)
        assert "expired on 2026-05-19" in document["allow_list_errors"][0]

    def test_an_entry_that_matches_nothing_is_an_error(self, root):
        """A left-over entry waits for the next secret at its place."""
        good = {"path": "a.txt", "rule": "keyword", "reason": "rotated", "expires": "2027-01-01"}
        document, code = look(root, allow=self.allow(root, good, good | {"path": "b.txt"}))
        assert (document["finding_count"], document["status"], code) == (0, "fail", 2)
        assert "b.txt" in document["allow_list_errors"][0]

    @pytest.mark.parametrize(
        "entry",
        [
            {"fingerprint": "ab" * 16, "reason": "because"},
            {"fingerprint": "ab" * 16, "expires": "2027-01-01"},
            {"fingerprint": "ab" * 16, "reason": "   ", "expires": "2027-01-01"},
            {"fingerprint": "ab" * 16, "reason": "because", "expires": "soon"},
            {"path": "a.txt", "reason": "because", "expires": "2027-01-01"},
            {
                "fingerprint": "ab" * 16,
                "path": "a.txt",
                "rule": "keyword",
                "reason": "because",
                "expires": "2027-01-01",
            },
            {"fingerprnt": "ab" * 16, "reason": "because", "expires": "2027-01-01"},
        ],
        ids=["no-end", "no-reason", "blank-reason", "no-date", "no-rule", "both", "misspelt"],
    )
    def test_it_is_read_strictly(self, root, entry):
        """An entry that means nothing, or everything, must not be guessed at."""
        with pytest.raises(PolicyError, match="allow-list"):
            allowlist.read(self.allow(root, entry))


class TestDotenv:
    """Values that are known to be secret, wherever they stand."""

    def env(self, root: Path, text: str) -> Path:
        return put(root, ".env", text)

    def test_its_values_are_found_where_no_rule_would_look(self, tmp_path):
        """A password pasted into a sentence has no form and no key."""
        value = "pier lantern"
        env = self.env(tmp_path, f'export QUAY_PASSWORD="{value}"\nMODE=nothing secret\n')
        put(tmp_path, "docs/a.md", "we logged in with pier lantern, nothing secret\n")
        document, code = look(tmp_path, env=[env])
        assert [(one["path"], one["rule"]) for one in document["findings"]] == [("docs/a.md", "env-value")]
        assert code == 2
        assert "lantern" not in json.dumps(document)

    @pytest.mark.parametrize("form", ["json", "url", "utf-16", "latin-1"])
    def test_its_values_are_found_as_others_write_them(self, tmp_path, form):
        """JSON and URLs write a quote and an accent in their own way."""
        value = 'lantérn"&pier'
        env = self.env(tmp_path, f"A_TOKEN='{value}'\n")
        text = {"json": f"x {json.dumps(value)[1:-1]} y", "url": "GET /?q=lant%C3%A9rn%22%26pier"}.get(
            form, f"x {value} y"
        )
        put(tmp_path, "a.log", text.encode(form if form in ("utf-16", "latin-1") else "utf-8"))
        assert rules_of(look(tmp_path, env=[env])[0]) == ["env-value"]

    def test_short_values_and_placeholders_are_said_and_not_looked_for(self, tmp_path):
        """A value of four letters is found in every text."""
        values = dotenv.read(self.env(tmp_path, "A_KEY=quay\nB_KEY=changeme\nC_KEY=\n"))
        assert values == dotenv.Values((), ("A_KEY",))

    @pytest.mark.parametrize("text", ["A_KEY=one\nnot a line at all!\n", None], ids=["torn", "missing"])
    def test_what_cannot_be_read_is_not_clean(self, tmp_path, text):
        """A value that was not read was not looked for."""
        put(tmp_path, "in/a.txt", "text")
        env = tmp_path / ".env"
        if text is not None:
            env.write_text(text)
        document, code = look(tmp_path / "in", env=[env])
        assert (document["status"], code) == ("fail", 3)
        assert "one" not in " ".join(document["errors"])


class TestReporting:
    """What is written, and when."""

    def test_the_report_has_the_fields_of_the_contract(self, tmp_path):
        """The gate and the pipeline read these by name."""
        put(tmp_path, "in/a.txt", f"api_key={fake()}")
        document, _ = look(tmp_path / "in", reports=tmp_path / "out")
        assert {"ts_utc", "status", "include_logs", "scanned_files", "finding_count", "findings"} <= set(document)
        assert {"path", "rule", "line", "match_excerpt", "fingerprint"} <= set(document["findings"][0])
        names = {path.name for path in (tmp_path / "out").glob("*.json")}
        assert names == {"latest.json", "secrets_hygiene_20260520T120000Z.json"}
        assert json.loads((tmp_path / "out/latest.json").read_text()) == document

    def test_its_own_reports_do_not_make_findings_grow(self, tmp_path):
        """The earlier scan found its own excerpts: five findings became fifteen, then thirty."""
        for number, (name, make) in enumerate(KINDS.items()):
            put(tmp_path, f"docs/{name}.txt", make(random.Random(number)))
        counts = [look(tmp_path, reports=tmp_path / "reports/security")[0]["finding_count"] for _ in range(3)]
        assert counts == [counts[0]] * 3
        for path in (tmp_path / "docs").iterdir():
            path.unlink()
        assert look(tmp_path, reports=tmp_path / "reports/security")[0]["finding_count"] == 0

    def test_a_scan_that_was_killed_left_fail(self, tmp_path, monkeypatch):
        """Yesterday's pass would stand for today's scan."""
        put(tmp_path, "in/a.txt", "text")
        assert look(tmp_path / "in", reports=tmp_path / "out")[1] == 0
        monkeypatch.setattr(texts, "blocks", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            look(tmp_path / "in", reports=tmp_path / "out")
        left = json.loads((tmp_path / "out/latest.json").read_text())
        assert (left["status"], left["finished"]) == ("fail", False)

    def test_a_file_that_cannot_be_read_fails_the_scan(self, tmp_path, monkeypatch):
        """What was skipped in silence was never found clean."""
        put(tmp_path, "a.txt", "text")
        put(tmp_path, "b.txt", "text")
        real = texts.blocks

        def blocks(path, progress):
            if path.name == "b.txt":
                raise PermissionError(13, "Permission denied")
            return real(path, progress)

        monkeypatch.setattr(texts, "blocks", blocks)
        document, code = look(tmp_path)
        assert document["unreadable_files"] == [{"path": "b.txt", "reason": "permission denied"}]
        assert (document["status"], document["scanned_files"], code) == ("fail", 1, 3)

    def test_a_folder_that_is_missing_fails_the_scan(self, tmp_path):
        """A misspelt folder is always clean."""
        put(tmp_path, "docs/a.txt", "text")
        document, code = look(tmp_path, within=["docs", "reprots"])
        assert (document["status"], code) == ("fail", 3)
        assert document["unreadable_files"][0]["path"] == "reprots"

    def test_nothing_scanned_is_not_clean(self, tmp_path):
        """An empty folder has no findings."""
        document, code = look(tmp_path)
        assert (document["status"], code) == ("fail", 3)

    def test_a_file_that_shrinks_is_not_clean(self, tmp_path, monkeypatch):
        """A log that is rotated while it is read was not read."""
        path = put(tmp_path, "a.log", "x\n" * 100)
        real = os.fstat
        monkeypatch.setattr(texts.os, "fstat", lambda fd: type("S", (), {"st_size": real(fd).st_size + 5})())
        with pytest.raises(texts.Changed):
            list(texts.blocks(path, lambda _size: None))

    def test_links_and_pipes_are_said(self, tmp_path):
        """A pipe would be waited for, for ever; a loop of links would never end."""
        put(tmp_path, "in/a.txt", "text")
        put(tmp_path, "out/b.txt", f"api_key={fake()}")
        os.mkfifo(tmp_path / "in/pipe")
        (tmp_path / "in/again").symlink_to(tmp_path / "in")
        (tmp_path / "in/b.txt").symlink_to(tmp_path / "out/b.txt")
        (tmp_path / "in/gone").symlink_to(tmp_path / "nowhere")
        document, _ = look(tmp_path / "in")
        assert {(one["path"], one["reason"]) for one in document["skipped"]} >= {
            ("pipe", "no regular file"),
            ("gone", "a link to nothing"),
        }
        assert [one["path"] for one in document["findings"]] == ["b.txt"]

    def test_logs_can_be_left_out_and_that_is_said(self, tmp_path):
        """A report that does not say what it left out is read as a report on everything."""
        put(tmp_path, "data/logs/a.txt", f"api_key={fake()}")
        put(tmp_path, "a.log", f"api_key={fake()}")
        put(tmp_path, "a.txt", "text")
        assert look(tmp_path)[0]["finding_count"] == 2
        document, code = look(tmp_path, include_logs=False)
        assert (document["include_logs"], document["finding_count"], code) == (False, 0, 0)
        assert {one["path"] for one in document["skipped"]} == {"data/logs", "a.log"}


def promotion(*words, cwd):
    code = "from pytest_promotion.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("text", "more", "code"),
    [
        ("text", (), 0),
        ("api_key=" + fake(), (), 2),
        ("text", ("--env", "nowhere.env"), 3),
        ("text", ("--allow", "nowhere.yaml"), 4),
    ],
    ids=["clean", "found", "not-scanned", "usage"],
)
def test_the_command_says_it_by_its_exit_code(tmp_path, text, more, code):
    """A pipeline reads nothing else."""
    put(tmp_path, "in/a.txt", text)
    done = promotion("secrets", "scan", "in", "--json", *more, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert fake() not in done.stdout + done.stderr
    if code != 4:
        assert json.loads(done.stdout) == json.loads((tmp_path / "reports/security/latest.json").read_text())


def test_the_commands_help_shows_an_example(tmp_path):
    """Help without an example is read by those who need none."""
    assert "Example:" in promotion("secrets", "scan", "--help", cwd=tmp_path).stdout
