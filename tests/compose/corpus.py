"""
Compose files with what is to be said of each: `None` for good ones, else the part that must refuse it and a word of why.

`apart` says why the Compose of 2020 (1.29) is known to say otherwise; where it is "", that program has to agree.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One file."""

    text: str
    check: str | None = None
    why: str = ""
    apart: str = ""


def services(body: str, more: str = "") -> str:
    """A file whose service `web` has *body* beside its image."""
    return f"services:\n  web:\n    image: web:1\n{body}  other: {{image: other:1}}\n{more}"


LATER = "younger than 1.29"
AT_START = "refused when services are started, not when the file is read"
LENIENT = "1.29 does not look at it"

GOOD = {
    "one-service": Case("services: {web: {image: web:1}}\n"),
    "version-said": Case('version: "3.8"\nservices: {web: {image: web:1}}\n'),
    "build-only": Case("services: {web: {build: .}}\n"),
    "extension-fields": Case("x-any: [1]\nservices: {web: {image: web:1, x-mine: {a: 1}}}\n"),
    "anchors-and-merge": Case(
        "x-base: &base {image: web:1, restart: always}\nservices: {web: {<<: *base}, two: {<<: *base}}\n"
    ),
    "merge-of-several": Case(
        "x-a: &a {image: a:1}\nx-b: &b {image: b:1, restart: always}\nservices: {web: {<<: [*a, *b]}}\n"
    ),
    "merge-overruled": Case("x-a: &a {image: a:1}\nservices: {web: {<<: *a, image: b:1}}\n"),
    "default": Case("services: {web: {image: 'web:${T:-1}'}}\n"),
    "default-of-default": Case("services: {web: {image: 'web:${T:-${U:-1}}'}}\n"),
    "replacement": Case("services: {web: {image: 'web:1', command: 'run ${X:+-x}'}}\n", apart=f":+ is {LATER}"),
    "escaped-dollar": Case("services: {web: {image: web:1, command: 'echo $$HOME'}}\n"),
    "short-dependencies": Case(services("    depends_on: [other]\n")),
    "long-dependencies": Case(services("    depends_on: {other: {condition: service_started}}\n")),
    "healthy-dependency": Case(
        "services:\n  web: {image: web:1, depends_on: {db: {condition: service_healthy}}}\n"
        "  db: {image: db:1, healthcheck: {test: [CMD, ok], interval: 1m30s, timeout: 5s, retries: 3}}\n"
    ),
    "optional-dependency": Case(
        services("    depends_on: {gone: {condition: service_started, required: false}}\n"),
        apart=f"required is {LATER}",
    ),
    "named-volume": Case(services("    volumes: [data:/data]\n", "volumes: {data: {}}\n")),
    "folder-volumes": Case(services('    volumes: ["./a:/a", "/b:/b:ro", "~/c:/c", /d]\n')),
    "long-volume": Case(services("    volumes: [{type: bind, source: ., target: /a}]\n")),
    "networks": Case(services("    networks: [back, default]\n", "networks: {back: {}}\n")),
    "network-aliases": Case(services("    networks: {back: {aliases: [w]}}\n", "networks: {back: null}\n")),
    "secrets": Case(services("    secrets: [key]\n", "secrets: {key: {file: ./key}}\n")),
    "configs": Case(services("    configs: [{source: c, target: /c}]\n", "configs: {c: {file: ./c}}\n")),
    "ports": Case(services('    ports: ["80", "8080:80", "127.0.0.1:8081:81/udp", "9000-9002:90-92"]\n')),
    "long-port": Case(services("    ports: [{target: 80, published: 8080, protocol: tcp}]\n")),
    "number-port": Case(services("    ports: [8080]\n")),
    "same-port-other-protocol": Case(services('    ports: ["53:53/udp", "53:53/tcp"]\n')),
    "same-port-other-address": Case(services('    ports: ["127.0.0.1:80:80", "127.0.0.2:80:80"]\n')),
    "ports-of-alternatives": Case(
        "services:\n  a: {image: a:1, profiles: [x], ports: ['80:80']}\n  b: {image: b:1, profiles: [y], ports: ['80:80']}\n"
    ),
    "profiles-alike": Case(
        "services:\n  a: {image: a:1, profiles: [x], depends_on: [b]}\n  b: {image: b:1, profiles: [x, y]}\n"
    ),
    "extends": Case("services:\n  base: {image: a:1}\n  web: {extends: {service: base}, restart: always}\n"),
    "network-of-another": Case("services:\n  a: {image: a:1}\n  b: {image: b:1, network_mode: 'service:a'}\n"),
    "environment-list": Case(services("    environment: [A=1, B]\n")),
    "environment-map": Case(services("    environment: {A: 1, B: null, C: x}\n")),
    "environment-boolean": Case(services("    environment: {A: true}\n"), apart=f"booleans are {LATER}"),
    "yes-is-a-text": Case(services("    environment: {A: yes}\n"), apart="YAML 1.1 takes yes for true"),
    "develop": Case(
        services("    develop: {watch: [{path: ., action: rebuild}]}\n", ""), apart=f"the key develop is {LATER}"
    ),
}

BAD = {
    "empty-mapping": Case("{}\n", "references", "no service", LENIENT),
    "no-services": Case("volumes: {a: {}}\n", "references", "no service", LENIENT),
    "a-list": Case("- web\n", "yaml", "a mapping"),
    "torn": Case("services: {web: {image: web:1\n", "yaml", "not YAML"),
    "tab": Case("services:\n\tweb: {image: web:1}\n", "yaml", "not YAML"),
    "two-documents": Case("services: {}\n---\nservices: {}\n", "yaml", "not YAML"),
    "unknown-anchor": Case("services: {web: *nope}\n", "yaml", "not YAML"),
    "unknown-tag": Case("services: {web: !python/object:os.system {}}\n", "yaml", "a tag that is none"),
    "binary": Case("services: {web: {image: !!binary aGk=}}\n", "yaml", "a tag that is none"),
    "not-a-number": Case(services("    cpus: .nan\n"), "yaml", "not a finite number"),
    "key-twice": Case("services:\n  web: {image: a:1}\n  web: {image: b:1}\n", "yaml", "twice", "1.29 takes the last"),
    "inner-key-twice": Case("services: {web: {image: a:1, image: b:1}}\n", "yaml", "twice", "1.29 takes the last"),
    "number-as-key": Case("services: {1: {image: a:1}}\n", "yaml", "not a text"),
    "unknown-top-key": Case("servces: {}\nservices: {web: {image: a:1}}\n", "schema", "services"),
    "unknown-key": Case(services("    imge: x\n"), "schema", "unknown key 'imge'; did you mean 'image'"),
    "unknown-health-key": Case(services("    healthcheck: {tests: [CMD]}\n"), "schema", "unknown key 'tests'"),
    "services-a-list": Case("services: [web]\n", "schema", "a list where"),
    "service-a-text": Case("services: {web: nginx}\n", "schema", "a text where"),
    "image-a-list": Case("services: {web: {image: [a]}}\n", "schema", "a list where"),
    "command-a-number": Case(services("    command: 5\n"), "schema", "none of the forms", ""),
    "restart-a-number": Case(services("    restart: 5\n"), "schema", "a number where"),
    "unknown-condition": Case(services("    depends_on: {other: {condition: ready}}\n"), "schema", "expected one of"),
    "no-condition": Case(services("    depends_on: {other: {}}\n"), "schema", "'condition' is missing"),
    "bad-service-name": Case("services: {'we b': {image: a:1}}\n", "schema", "unknown key"),
    "required-variable": Case("services: {web: {image: '${GONE_1:?say it}'}}\n", "interpolation", "GONE_1 is required"),
    "required-nonempty": Case(
        "services: {web: {image: 'a:1', command: '${EMPTY_1:?}'}}\n", "interpolation", "EMPTY_1 is required"
    ),
    "unset-variable": Case(
        "services: {web: {image: 'web:1', command: 'x $GONE_1'}}\n", "interpolation", "not set", "1.29 only warns"
    ),
    "open-brace": Case("services: {web: {image: 'web:${T'}}\n", "interpolation", "not closed"),
    "lone-dollar": Case(
        "services: {web: {image: web:1, command: 'cost $ 5'}}\n", "interpolation", "starts no variable"
    ),
    "no-name": Case("services: {web: {image: 'web:${1T}'}}\n", "interpolation", "no name"),
    "no-operator": Case("services: {web: {image: 'web:${T!x}'}}\n", "interpolation", "no operator"),
    "unknown-dependency": Case(services("    depends_on: [othr]\n"), "references", "no service 'othr'"),
    "dependency-on-itself": Case(services("    depends_on: [web]\n"), "references", "wait for each other"),
    "cycle": Case(
        "services:\n  a: {image: a:1, depends_on: [b]}\n  b: {image: b:1, depends_on: [c]}\n"
        "  c: {image: c:1, depends_on: [a]}\n",
        "references",
        "a -> b -> c -> a",
    ),
    "cycle-by-network": Case(
        "services:\n  a: {image: a:1, network_mode: 'service:b'}\n  b: {image: b:1, depends_on: [a]}\n",
        "references",
        "wait for each other",
    ),
    "healthy-without-check": Case(
        services("    depends_on: {other: {condition: service_healthy}}\n"), "references", "no healthcheck", AT_START
    ),
    "healthy-with-check-off": Case(
        "services:\n  web: {image: web:1, depends_on: {db: {condition: service_healthy}}}\n"
        "  db: {image: db:1, healthcheck: {disable: true}}\n",
        "references",
        "no healthcheck",
        AT_START,
    ),
    "unknown-volume": Case(services("    volumes: [data:/data]\n"), "references", "volume 'data' is not defined"),
    "unknown-long-volume": Case(
        services("    volumes: [{type: volume, source: data, target: /d}]\n"), "references", "volume 'data'"
    ),
    "unknown-network": Case(services("    networks: [back]\n"), "references", "network 'back'", AT_START),
    "unknown-secret": Case(services("    secrets: [key]\n"), "references", "secret 'key'", AT_START),
    "unknown-config": Case(services("    configs: [c]\n"), "references", "config 'c'", AT_START),
    "no-image": Case("services: {web: {restart: always}}\n", "references", "neither an image nor a build"),
    "network-mode-and-networks": Case(
        services("    network_mode: host\n    networks: [back]\n", "networks: {back: {}}\n"), "references", "exclude"
    ),
    "network-of-nobody": Case(services("    network_mode: 'service:gone'\n"), "references", "no service 'gone'"),
    "link-to-nobody": Case(services("    links: [gone]\n"), "references", "no service 'gone'"),
    "extends-nobody": Case("services: {web: {extends: {service: gone}}}\n", "references", "'gone' to extend"),
    "extends-itself": Case("services: {web: {image: a:1, extends: {service: web}}}\n", "references", "extends itself"),
    "same-container-name": Case(
        "services:\n  a: {image: a:1, container_name: x}\n  b: {image: b:1, container_name: x}\n",
        "references",
        "same container_name",
        AT_START,
    ),
    "same-port": Case(
        "services:\n  a: {image: a:1, ports: ['80:80']}\n  b: {image: b:1, ports: ['127.0.0.1:80:81']}\n",
        "references",
        "publishes the port",
        AT_START,
    ),
    "port-in-a-range": Case(
        "services:\n  a: {image: a:1, ports: ['8000-8010:8000-8010']}\n"
        "  b: {image: b:1, ports: [{target: 1, published: 8005}]}\n",
        "references",
        "publishes the port",
        AT_START,
    ),
    "not-a-port": Case(services("    ports: [http]\n"), "references", "expected [[IP:]HOST:]CONTAINER"),
    "port-too-large": Case(services('    ports: ["70000:80"]\n'), "references", "between 1 and 65535", LENIENT),
    "ranges-differ": Case(services('    ports: ["80-82:90-91"]\n'), "references", "differ in length"),
    "bad-duration": Case(
        services("    healthcheck: {test: [CMD, a], interval: 10 bananas}\n"), "references", "a duration", AT_START
    ),
    "duration-without-unit": Case(
        services('    healthcheck: {test: [CMD, a], timeout: "10"}\n'), "references", "with its unit", AT_START
    ),
    "profile-hides-dependency": Case(
        "services:\n  a: {image: a:1, depends_on: [b]}\n  b: {image: b:1, profiles: [x]}\n",
        "references",
        "only there under its profiles",
        AT_START,
    ),
    "other-profile-hides-dependency": Case(
        "services:\n  a: {image: a:1, profiles: [x, y], depends_on: [b]}\n  b: {image: b:1, profiles: [x]}\n",
        "references",
        "under y",
        AT_START,
    ),
    "env-file-gone": Case(services("    env_file: [gone.env]\n"), "references", "not there"),
}
