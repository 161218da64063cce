"""Variables of a service -> what a spec says of them: a reference, a secret, a plain value, or that nobody knows.

A value is copied only when neither its name nor its look is a secret's; a password in a file stays there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from generator.detect.found import Found
from generator.references import PUBLIC_OUTPUTS, SECRET_OUTPUTS

_SECRET = re.compile(
    r"(?:^|_)(?:SECRET|SECRETS|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|CREDENTIALS?|APIKEY|SALT|PEPPER|PRIVATE_?KEY|"
    r"ACCESS_?KEY|SECRET_?KEY(?:_BASE)?|API_?KEY|APP_?KEY|MASTER_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|AUTH_?KEY|"
    r"LICENSE_?KEY|JWT_?KEY|SERVER_?KEY|DSN|WEBHOOK_URL|COOKIE_KEYS?|SESSION_KEY)(?:$|_(?:\d+|BASE|B64|BASE64|V\d)$)"
    r"|^(?:JWT_SECRET|SECRET)|_KEY$|(?:SECRET|PASSWORD|TOKEN|APIKEY)$|^(?:AMQP|RABBITMQ|CELERY_BROKER|BROKER)_(?:URL|URI)$"
)
_NO_SECRET = re.compile(
    r"(?:PUBLIC|PUBLISHABLE|SITE|SORT|CACHE|PARTITION|PRIMARY|ROUTING|FOREIGN)_KEY$|_KEY_(?:ID|PREFIX|NAME)$|PUBLIC_KEY|"
    r"(?:TTL|LENGTH|EXPIRY|EXPIRES?(?:_IN)?|MINUTES|SECONDS|HOURS|DAYS|ENABLED|HEADER|ISSUER|AUDIENCE|ALGORITHM|FILE|PATH)$"
)
_PLATFORM = re.compile(
    r"(?:PORT|NODE_ENV|RAILS_ENV|RACK_ENV|APP_ENV_FILE|HOME|PATH|PWD|USER|SHELL|LANG|TZ|HOSTNAME|TMPDIR|TEMP|TMP|CI|EDITOR|"
    r"PYTHON\w*|GO(?:PATH|ROOT|MAXPROCS|MEMLIMIT|GC)|JAVA_(?:HOME|OPTS|TOOL_OPTIONS)|NPM_\w+|npm_\w+|VIRTUAL_ENV|"
    r"SERVER_PORT|SERVER_NAME|ASPNETCORE_(?:URLS|HTTP_PORTS|ENVIRONMENT)|DOTNET_\w+|CARGO_\w+|OUT_DIR|RUST_BACKTRACE|"
    r"COMPOSE_\w+|DOCKER_\w+|UID|GID|BUNDLE_\w+|GEM_\w+|KUBERNETES_\w+|NEXT_RUNTIME|VERCEL\w*|MODE|DEV|PROD|SSR|BASE_URL_VITE|PIDFILE|RAILS_MAX_THREADS|"
    r"WEB_CONCURRENCY|DJANGO_SETTINGS_MODULE|BUNDLER?_\w+|POD_\w+|DISPLAY|TERM|NO_COLOR|FORCE_COLOR|DEBUG_COLORS)"
)
"""Set by the image or the platform, or with a meaning of their own there; not the service's configuration."""
_BUILD_TIME = re.compile(r"(?:VITE|NEXT_PUBLIC|REACT_APP|VUE_APP|GATSBY|NUXT_PUBLIC|EXPO_PUBLIC)_")
_IDENTITY = re.compile(
    r"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|REGION|DEFAULT_REGION|PROFILE)|GOOGLE_APPLICATION_CREDENTIALS"
)

_PREFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:POSTGRES(?:QL)?|PG)", ("postgres",)),
    (r"(?:MYSQL|MARIADB)", ("mysql",)),
    (r"MONGO(?:DB)?", ("mongodb",)),
    (r"(?:REDIS|VALKEY|CACHE|REDISCLOUD)", ("valkey",)),
    (r"(?:ELASTIC(?:SEARCH)?|OPENSEARCH|SEARCH)", ("search",)),
    (
        r"(?:SPRING_DATASOURCE|SPRING_R2DBC|QUARKUS_DATASOURCE(?:_JDBC)?|DATABASE|DB|SQL|RDS)",
        ("postgres", "mysql", "mongodb"),
    ),
    (r"(?:SQS|QUEUE)", ("queue",)),
    (r"(?:S3|BUCKET|UPLOADS?|STORAGE|AWS_S3|AWS)(?:_BUCKET)?", ("bucket",)),
)
_SUFFIXES: tuple[tuple[str, str], ...] = (
    (r"(?:_CONNECTION)?_?(?:URL|URI|DSN|CONNECTION_?STRING|CONN_?STR|JDBC_URL)", "url"),
    (r"_?(?:HOST|HOSTNAME|SERVER|ENDPOINT_HOST)", "host"),
    (r"_?(?:ADDR|ADDRESS|HOST_PORT)", "address"),
    (r"_?PORT", "port"),
    (r"_?(?:DB_?NAME|NAME|DATABASE|DB)", "name"),
    (r"_?(?:USER_?NAME|USER)", "username"),
    (r"_?(?:PASSWORD|PASSWD|PASS)", "password"),
)
_SHAPES = tuple(
    (re.compile(prefix + suffix + "$"), kinds, output) for prefix, kinds in _PREFIXES for suffix, output in _SUFFIXES
)
_BUCKET_NAME = re.compile(r"(?:AWS_|S3_|UPLOADS?_|STORAGE_)*(?:BUCKET|S3_BUCKET|STORAGE_BUCKET)(?:_NAME)?$")

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/,+@%-]{0,63}|\d{1,9}")
_SECRET_LOOK = re.compile(
    r"://[^/\s]*@|(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{20,}|[0-9a-fA-F]{16,}|"
    r"^(?:sk|pk|rk|ghp|gho|xox[bap]|AKIA|ASIA|eyJ|glpat|whsec|SG\.)[-_A-Za-z0-9.]{6,}"
)
_CREDENTIALS = re.compile(r"://[^:/@\s]*:[^/@\s]+@")
_PLACEHOLDER = re.compile(
    r"change.?me|your[-_ ]|example\.(?:com|org)|xxx|<.*>|todo|replace|placeholder|secret", re.IGNORECASE
)
_LOCAL = re.compile(r"localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a service: where it is read, and the values that are written for it, best first."""

    name: str
    where: str
    values: tuple[tuple[str, str], ...] = ()
    """(text, place) of a default in the source, an example file or a compose file."""
    seen: str = ""
    """What stands at the place, when it is not the variable's name."""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a variable can refer to: resources by name with their types, services by name, names in compose."""

    resources: Mapping[str, str]
    services: frozenset[str] = frozenset()
    ports: Mapping[str, bool] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Names of compose services -> names of services or resources in the spec."""
    untyped: Mapping[str, str] = field(default_factory=dict)
    """Names of compose services that are something a spec has no type for."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a spec says of a variable. `secret` is the name of a secret to declare, `call` a service that is called."""

    value: Found[str] | None = None
    unset: Found[str] | None = None
    secret: str = ""
    call: str = ""


def meaning(variable: Variable, around: Surroundings) -> Meaning:
    """The first of: a reference, a secret, a plain value; else that its value is not known."""
    name = variable.name
    if _BUILD_TIME.match(name):
        return Meaning(
            unset=Found(
                "goes into the files when they are built, not into the process", variable.where, seen=variable.seen
            )
        )
    if _IDENTITY.fullmatch(name):
        return Meaning(
            unset=Found(
                "comes from the identity that the platform gives the service", variable.where, seen=variable.seen
            )
        )
    for text, _ in variable.values:
        found = _pointed(variable, text, around)
        if found is not None:
            return found
    reference = _jdbc(around.resources, variable) if variable.form == "jdbc" else _by_name(name, around)
    reference = reference or _by_scheme(variable, around) or _by_name(variable.seen, around)
    if reference:
        return Meaning(value=Found(reference, variable.where, seen=variable.seen or name))
    if secret(name) or any(_CREDENTIALS.search(text) for text, _ in variable.values):
        word = secret_name(name)
        return Meaning(value=Found(f"${{secret.{word}}}", variable.where, seen=variable.seen or name), secret=word)
    for text, where in variable.values:
        what = next(
            (
                what
                for other, what in around.untyped.items()
                if re.search(rf"(?<![\w-]){re.escape(other)}(?![\w-])", text)
            ),
            "",
        )
        if what:
            return Meaning(
                unset=Found(f"the address of {what}, for which a spec has no type", variable.where, seen=variable.seen)
            )
        if plain(name, text):
            return Meaning(value=Found(text, where))
    if _address(name):
        return Meaning(
            unset=Found("an address of something that was not found in the source", variable.where, seen=variable.seen)
        )
    return Meaning(unset=Found("no value that could be taken was found", variable.where, seen=variable.seen))


def of_the_platform(name: str) -> bool:
    return bool(_PLATFORM.fullmatch(name))


def secret(name: str) -> bool:
    """Whether a variable's name says that its value must not be seen."""
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace(".", "_").replace("__", "_")
    return bool(_SECRET.search(upper)) and not _NO_SECRET.search(upper)


def secret_name(name: str) -> str:
    """A secret's name in a spec: `STRIPE_API_KEY` is stripe-api-key."""
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:31].rstrip("-")
    return word if re.match(r"[a-z]", word) else f"s-{word}"[:31].rstrip("-")


def plain(name: str, text: str) -> bool:
    """Whether a value may be copied: neither secret nor a stand-in, and good for more than one machine."""
    if secret(name) or not text or not _PLAIN.fullmatch(text):
        return False
    return not (_SECRET_LOOK.search(text) or _PLACEHOLDER.search(text) or _LOCAL.search(text))


def _address(name: str) -> bool:
    return bool(re.search(r"_(?:URL|URI|HOST|HOSTS|ADDR|ADDRESS|ENDPOINT|SERVER|SERVERS|BROKERS)$", name))


_URL = re.compile(
    r"(?:jdbc:)?(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>\d+))?(?P<path>/[^\s?#]*)?"
)
_PAIR = re.compile(r"(?P<host>[A-Za-z0-9_.-]+):(?P<port>\d{2,5})")
_KEYS = re.compile(r"(?:Host|Server|Data Source)=(?P<host>[A-Za-z0-9_.-]+)", re.IGNORECASE)


def _pointed(variable: Variable, text: str, around: Surroundings) -> Meaning | None:
    """What a value points at, when its host is a service or resource of the tree."""
    for form, pattern in (
        ("url", _URL),
        ("keys", _KEYS),
        ("address", _PAIR),
        ("host", re.compile(r"(?P<host>[A-Za-z0-9_.-]+)")),
    ):
        match = pattern.match(text) if form == "keys" else pattern.fullmatch(text)
        if match is None:
            continue
        target = around.renamed.get(match["host"], "")
        if form == "host" and not re.search(
            r"HOST|SERVER|ADDR|ENDPOINT|URL|URI|SERVICE|REDIS|DB|CACHE", variable.name.upper()
        ):
            continue
        if target in around.resources:
            made = _of_resource(target, around.resources[target], form, text, match)
            return Meaning(value=Found(made, variable.where, seen=variable.seen or variable.name)) if made else None
        if target in around.services and form != "keys" and around.ports.get(target, False):
            return Meaning(
                value=Found(_of_service(target, form, match), variable.where, seen=variable.seen or variable.name),
                call=target,
            )
    return None


def _of_service(target: str, form: str, match: re.Match[str]) -> str:
    if form == "url":
        path = (match["path"] or "").rstrip("/")
        return f"${{{target}.url}}{path}"
    return f"${{{target}.host}}:${{{target}.port}}" if form == "address" else f"${{{target}.host}}"


def _of_resource(target: str, kind: str, form: str, text: str, match: re.Match[str]) -> str:
    if form == "url" and text.startswith("jdbc:"):
        return f"jdbc:{match['scheme']}://${{{target}.host}}:${{{target}.port}}/${{{target}.name}}"
    if form == "url" and "+" in match["scheme"] and kind in {"postgres", "mysql"}:
        name = target
        parts = f"${{{name}.username}}:${{{name}.password}}@${{{name}.host}}:${{{name}.port}}/${{{name}.name}}"
        return f"{match['scheme']}://{parts}"  # the driver that the address names is part of it
    if form == "keys":
        return _connection_string(target, kind)
    if form == "address":
        return _filled(target, kind, "address")
    return _filled(target, kind, "host" if form == "host" else "url")


def _connection_string(target: str, kind: str) -> str:
    if kind not in {"postgres", "mysql"}:
        return ""
    host = "Host" if kind == "postgres" else "Server"
    user = "Username" if kind == "postgres" else "User"
    return (
        f"{host}=${{{target}.host}};Port=${{{target}.port}};Database=${{{target}.name}};"
        f"{user}=${{{target}.username}};Password=${{{target}.password}}"
    )


def _by_name(name: str, around: Surroundings) -> str:
    """The reference that a usual name means, when there is one resource that it can mean."""
    upper = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if upper.startswith(("CONNECTIONSTRINGS_", "CONNECTIONSTRING_")):
        names = [key for key, kind in around.resources.items() if kind in {"postgres", "mysql"}]
        return _connection_string(names[0], around.resources[names[0]]) if len(names) == 1 else ""
    if _BUCKET_NAME.match(upper):
        return _only(around.resources, ("bucket",), "name")
    for pattern, kinds, output in _SHAPES:
        if pattern.match(upper):
            if upper.startswith("SPRING_") and output == "url":
                return _jdbc(around.resources)
            reference = _only(around.resources, kinds, output)
            if reference:
                return reference
    return ""


_SCHEMES = {"redis": "valkey", "rediss": "valkey", "postgres": "postgres", "postgresql": "postgres"}
_SCHEMES |= {"mysql": "mysql", "mongodb": "mongodb", "mongodb+srv": "mongodb"}


def _by_scheme(variable: Variable, around: Surroundings) -> str:
    """The one resource of the type that an address of the same machine is of: `redis://localhost:6379/0`."""
    for text, _ in variable.values:
        scheme = text.partition("://")[0]
        if "://" in text and scheme in _SCHEMES and _LOCAL.search(text):
            return _only(around.resources, (_SCHEMES[scheme],), "url")
    return ""


def _jdbc(resources: Mapping[str, str], variable: Variable | None = None) -> str:
    """An address as Java's drivers take it; a default tells which of two databases it is of."""
    names = [name for name, kind in resources.items() if kind in {"postgres", "mysql"}]
    for text, _ in variable.values if variable else ():
        said = re.match(r"jdbc:(postgresql|mysql|mariadb)://", text)
        if said:
            names = [name for name in names if resources[name] == ("postgres" if said[1] == "postgresql" else "mysql")]
    if len(names) != 1:
        return ""
    scheme = "postgresql" if resources[names[0]] == "postgres" else "mysql"
    return f"jdbc:{scheme}://${{{names[0]}.host}}:${{{names[0]}.port}}/${{{names[0]}.name}}"


def _only(resources: Mapping[str, str], kinds: Sequence[str], output: str) -> str:
    names = [name for name, kind in resources.items() if kind in kinds]
    return _filled(names[0], resources[names[0]], output) if len(names) == 1 else ""


def _filled(name: str, kind: str, output: str) -> str:
    outputs = (*PUBLIC_OUTPUTS.get(kind, ()), *SECRET_OUTPUTS.get(kind, ()))
    if output == "address" and {"host", "port"} <= set(outputs):
        return f"${{{name}.host}}:${{{name}.port}}"
    return f"${{{name}.{output}}}" if output in outputs else ""
