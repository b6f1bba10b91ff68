"""What a release runs with: env files that readers read differently, secrets that are none, environments that are others."""

from __future__ import annotations

import secrets

import pytest

from fixtures.release import git
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.suites.release import environment, published_secrets
from pytest_promotion.suites.release.environment import Setting

SECRET = secrets.token_urlsafe(32)


def parsed(content: bytes) -> dict[str, str]:
    return {one.name: one.value for one in environment.parse(content, "backend/.env")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"\xef\xbb\xbfSECRET_KEY=x\n", "byte order mark", id="bom"),
        pytest.param(b"APP_ENV=production\r\nSECRET_KEY=x\r\n", "Windows line ends", id="crlf"),
        pytest.param(b"APP_ENV=dev\nSECRET_KEY=x\nAPP_ENV=production\n", "in line 1 and in line 3", id="twice"),
        pytest.param(b"export APP_ENV=dev\nAPP_ENV=production\n", "in line 1 and in line 2", id="twice, exported"),
        pytest.param(b"APP_ENV=production \n", "line 1 ends in a blank", id="blank at the end"),
        pytest.param(b"SECRET_KEY=#todo\n", "gives SECRET_KEY a comment", id="comment for a value"),
        pytest.param(b"SECRET_KEY\n", "gives it no value", id="no value"),
        pytest.param(b"SECRET_KEY='torn\n", "line 1 is not KEY=VALUE", id="torn quote"),
        pytest.param(b"SECRET_KEY=\xff\n", "is not UTF-8", id="not text"),
        pytest.param(b"SECRET_KEY=a\0b\n", "zero byte", id="zero byte"),
    ],
)
def test_a_file_that_readers_read_differently_is_refused(content, said):
    """The gate would judge one value, and the release would start with another."""
    with pytest.raises(Unproven, match=said):
        parsed(content)


def test_quotes_and_export_are_read_as_every_reader_reads_them():
    """A file that is refused for its style is replaced by one that nobody checks."""
    found = parsed(b"# the release\nexport APP_ENV='production'\nSECRET_KEY=\"two words\"\nA=b # why\n\nEMPTY=\n")
    assert found == {"APP_ENV": "production", "SECRET_KEY": "two words", "A": "b", "EMPTY": ""}


def test_what_is_wrong_with_a_file_is_said_without_its_values():
    """A refusal goes into a report, and a report goes to everyone."""
    with pytest.raises(Unproven) as refused:
        parsed(f"SECRET_KEY={SECRET}\nSECRET_KEY={SECRET}x\n".encode())
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(Setting("SECRET_KEY", "backend/.env line 1", SECRET))


def test_a_comment_is_no_secret():
    """`SECRET_KEY=   # todo` was long enough to be one."""
    [setting] = environment.parse(
        b"SECRET_KEY=   # a comment that is long enough to be a secret, 4711\n", "backend/.env"
    )
    with pytest.raises(GateFailed, match="is empty"):
        environment.secret_bits(setting)


def test_a_variable_is_judged_wherever_it_is_set(tmp_path):
    """Which place wins differs between a shell, Compose and the program; a bad value loses nowhere."""
    file = tmp_path / ".env"
    file.write_text("ALLOW_SIM_BACKTEST=true\n")
    said = environment.read(file, "backend/.env", {"ALLOW_SIM_BACKTEST": "false"})
    switches = [(one.where, environment.switch(one)) for one in said.of("ALLOW_SIM_BACKTEST")]
    assert switches == [("backend/.env line 1", True), ("the environment", False)]


def test_a_variable_that_is_set_nowhere_is_not_off(tmp_path):
    """What a program takes for a missing switch is the program's business, and changes with it."""
    said = environment.read(tmp_path / "none.env", "backend/.env", {})
    with pytest.raises(Unproven, match="ALLOW_SIM_BACKTEST is set nowhere"):
        said.of("ALLOW_SIM_BACKTEST")


@pytest.mark.parametrize("value", ["", "flase", "0.0", "falsch", "null", "n", "false "])
def test_a_switch_that_is_neither_on_nor_off_is_not_off(value):
    """A typing error would switch simulated trading on in whichever program reads it as true."""
    with pytest.raises(Unproven, match="neither true nor false"):
        environment.switch(Setting("ALLOW_SIM_BACKTEST", "the environment", value))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("x", id="one letter"),
        pytest.param("a" * 32, id="32 equal characters"),
        pytest.param("ab" * 32, id="two characters"),
        pytest.param("abcdefgh" * 8, id="repeated"),
        pytest.param("abcdefghijklmnopqrstuvwxyz0123456789", id="in a row"),
        pytest.param("qwertyuiopasdfghjklzxcvbnm", id="keyboard"),
        pytest.param("your-secret-key-change-this", id="a default"),
        pytest.param("your-secret-key-change-this-in-production", id="another default"),
        pytest.param("correct-horse-battery-staple", id="words"),
        pytest.param("${SECRET_KEY}", id="a reference"),
        pytest.param("change-me" * 5, id="a repeated placeholder"),
    ],
)
def test_a_secret_that_can_be_guessed_is_none(value):
    """Length was the whole check once, and 32 equal characters are long."""
    try:
        bits = environment.secret_bits(Setting("SECRET_KEY", "backend/.env line 1", value))
    except GateFailed as refused:
        assert value not in str(refused) or len(value.strip()) < 2
    else:
        assert bits < 100


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", id="tutorial"),
        pytest.param("192B9BDD22AB9ED4D12E236C78AFCB9A393EC15F71BBF5DC987D54727823BCBF", id="documentation, capitals"),
        pytest.param("404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970" * 2, id="tutorial, longer"),
        pytest.param("django-insecure-8x!k#2v9q@w$7m^e&4r*t(1y)u-i=o+p5a3s6d0f", id="a key for development"),
        pytest.param("your-super-secret-key-change-this-in-production-please", id="a template"),
        pytest.param("your-super-secret-jwt-token-with-at-least-32-characters-long", id="another template"),
        pytest.param("ThisIsTheDefaultSigningKeyPleaseReplaceItInProduction", id="in camel case"),
        pytest.param("CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET_2024", id="in capitals"),
    ],
)
def test_a_secret_that_everybody_knows_is_none(value):
    """An estimate of its strength takes the key in a tutorial for one that was drawn by lot."""
    with pytest.raises(GateFailed, match="stands for a secret and is none") as refused:
        environment.secret_bits(Setting("SECRET_KEY", "backend/.env line 1", value))
    assert value not in str(refused.value)


@pytest.fixture
def repository(tmp_path):
    """A repository that once had a secret in it, which was amended away, and has another in a file now."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "settings.py").write_text(f'SECRET_KEY = "{SECRET}"\n')
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "settings")
    (root / "settings.py").write_text('SECRET_KEY = os.environ["SECRET_KEY"]\n')
    git(root, "commit", "-q", "-a", "--amend", "-m", "settings")
    return root


def test_a_secret_in_the_history_is_found(repository, tmp_path):
    """A key that was amended away is in every clone that was made before, and in this one."""
    other = secrets.token_urlsafe(32)
    found, limits = published_secrets.in_repository(repository, {"old": SECRET, "new": other})
    assert (list(found), limits) == (["old"], "")
    assert git(repository, "cat-file", "-p", found["old"]) == f'SECRET_KEY = "{SECRET}"\n'
    (repository / "large.bin").write_bytes(b"\0" * (17 * 2**20) + other.encode())
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", f"rotated from {SECRET[::-1]}")
    found, limits = published_secrets.in_repository(
        repository, {"in a message": SECRET[::-1], "in a large file": other}
    )
    assert (list(found), limits) == (["in a message"], "1 objects are larger than 16 MB")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    assert published_secrets.in_repository(tmp_path / "shallow", {"old": SECRET}) == (
        {},
        "only a part of the history is here and 1 objects are larger than 16 MB",
    )
    with pytest.raises(Unproven, match="does not give the objects"):
        published_secrets.in_repository(tmp_path, {"old": SECRET})


@pytest.mark.parametrize("make", [lambda: secrets.token_hex(32), lambda: secrets.token_urlsafe(64)], ids=["hex", "url"])
def test_a_random_key_is_strong_enough(make):
    """A gate that refuses good keys is given a bad one that it happens to like."""
    assert all(environment.secret_bits(Setting("SECRET_KEY", "the environment", make())) >= 100 for _ in range(20))


@pytest.mark.parametrize("value", ["Production ", "production ", "Production", "prod\n", "banana", "staging", ""])
def test_an_environment_is_on_the_list_or_refused(value):
    """A list of what is not production let `banana` pass."""
    with pytest.raises(GateFailed, match="is none of production, prod"):
        environment.one_of(Setting("APP_ENV", "the environment", value), ["production", "prod"])


def test_a_folder_where_the_file_belongs_is_no_file(tmp_path):
    """What cannot be read is not an empty file."""
    with pytest.raises(Unproven, match="cannot be read"):
        environment.read(tmp_path, "backend/.env", {})
