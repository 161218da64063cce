"""The roots of environments: names, neighbours that leave each other alone, and values that are hostile to HCL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.model import Product
from generator.names import cut
from generator.policy import hclread
from generator.render import render_one
from generator.spec import load
from generator.targets import terraform
from generator.targets.terraform.aws import root, stores, workloads
from generator.targets.terraform.call import Expression
from tests.conftest import APPS

HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\n"
CLOUD = "cloud: {provider: aws, region: us-east-1, domain: example.com}\nplatform: {compute: ecs}\n"
SPEC = f"""\
{HEAD}{CLOUD}services:
  api: {{runtime: go, port: 8080, public: {{host: shop.example.com, path_prefix: /api}}, uses: [db, jobs]}}
  web: {{runtime: node, port: 3000, public: shop.example.com, calls: [api]}}
resources:
  db: {{type: postgres, version: "17"}}
  jobs: {{type: queue}}
"""
Made = Callable[[str], Product]


@pytest.fixture
def product(spec_file: Callable[[str], Path]) -> Made:
    def made(text: str) -> Product:
        loaded = load(spec_file(text))
        assert loaded.product is not None, loaded.findings
        return loaded.product

    return made


def files(product: Product) -> dict[str, str]:
    """The text of every file of the roots."""
    return {
        artifact.path: render_one(artifact, "groundplan.yaml").text
        for artifact in terraform.plan(product)
        if artifact.path.startswith("terraform/environments/")
    }


def blocks(made: Mapping[str, str]) -> dict[str, str]:
    """Each module call of the roots as it is written."""
    found = {}
    for path, text in made.items():
        for match in re.finditer(r'^module "([\w-]+)" \{\n.*?^\}\n', text, re.M | re.S):
            found[f"{path.split('/')[2]}/{match[1]}"] = match[0]
    return found


def plain(expr: hclread.Expr) -> Any:
    """The value of an expression that is made of nothing but literals."""
    if expr.kind == "tpl":
        assert all(isinstance(part, str) for part in expr.parts), expr.parts
        return "".join(expr.parts)
    if expr.kind == "lit":
        return expr.parts[0]
    if expr.kind == "list":
        return [plain(item) for item in expr.parts]
    assert expr.kind == "obj", expr.kind
    return {key.parts[0] if key.kind == "name" else plain(key): plain(value) for key, value in expr.parts}


def argument(made: Mapping[str, str], call: str, name: str) -> hclread.Expr:
    (block,) = hclread.read(blocks(made)[call], "x.tf").blocks
    return block.attributes[name][0]


# names


@pytest.mark.parametrize("limit", [32, 40, 50, 63])
def test_a_name_is_cut_at_its_limit(limit: int) -> None:
    fits, longer = "a" * limit, "a" * (limit + 1)
    assert cut(fits, limit) == fits
    assert len(cut(longer, limit)) == limit
    assert cut(longer, limit) != cut(f"{longer}a", limit)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,80}[a-z0-9]", fullmatch=True), st.sampled_from([32, 50]))
def test_a_cut_name_is_a_name(name: str, limit: int) -> None:
    made = cut(name, limit)
    assert len(made) <= limit
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", made)
    assert (made == name) == (len(name) <= limit)
    assert cut(made, limit) == made


def test_long_names_stay_apart_in_every_module(product: Made) -> None:
    """Services are cut at 32 characters, stores at 50; the hash is of the whole name."""
    app, long = "a" * 20, "recommendations-of-the-"
    text = SPEC.replace("app: shop", f"app: {app}")
    for name, short in (("web", f"{long}day"), ("api", f"{long}week"), ("db", f"{long}year"), ("jobs", f"{long}age")):
        text = re.sub(rf"(?<=  ){name}(?=:)|(?<=[\[ ]){name}(?=[,\]])", short, text)
    made = files(product(text))
    names = {call: plain(argument(made, call, "name")) for call in blocks(made) if "recommendations" in call}
    assert len(names) == len(set(names.values())) == 4
    for call, name in names.items():
        limit = 32 if "/service_" in call else 50
        assert len(name) == limit, call
        assert name.startswith(f"{app}-prod-"), call
        assert re.fullmatch(r".*-[0-9a-f]{6}", name), call


# neighbours


@pytest.mark.parametrize(
    ("before", "after", "added", "may_change"),
    [
        (
            "services:\n",
            "services:\n  admin: {runtime: go, port: 9090, public: admin.example.com}\n",
            {"service_admin"},
            {"dns", "edge", "observability"},
        ),
        (
            "resources:\n",
            "  zoo: {runtime: go}\nresources:\n",
            {"service_zoo"},
            {"observability"},
        ),
        ("resources:\n", "resources:\n  cache: valkey\n", {"cache_cache"}, {"observability"}),
        (
            "  jobs: {type: queue}\n",
            "  jobs: {type: queue}\n  ledger: {type: mysql, version: '8.4'}\n",
            {"database_ledger"},
            {"observability", "backup"},
        ),
        ("domain: example.com}", "domain: example.com, network: {zones: 2}}", set(), {"network"}),
    ],
    ids=["first service", "last service", "first resource", "last resource", "one zone less"],
)
def test_a_newcomer_leaves_its_neighbours_alone(
    product: Made, before: str, after: str, added: set[str], may_change: set[str]
) -> None:
    old, new = blocks(files(product(SPEC))), blocks(files(product(SPEC.replace(before, after))))
    assert new.keys() - old.keys() == {f"prod/{name}" for name in added}
    assert old.keys() <= new.keys()
    changed = {name.removeprefix("prod/") for name in old if old[name] != new[name]}
    assert changed <= may_change


def test_another_zone_only_adds_subnets(product: Made) -> None:
    def subnets(zones: int) -> dict[str, Any]:
        text = SPEC.replace("domain: example.com}", f"domain: example.com, network: {{zones: {zones}}}}}")
        found: dict[str, Any] = plain(argument(files(product(text)), "prod/network", "subnets"))
        return found

    two, three, five, six = (subnets(zones) for zones in (2, 3, 5, 6))
    assert two.items() < three.items()
    assert five.items() < six.items()


def test_what_is_not_asked_for_is_not_there(product: Made) -> None:
    bare = re.sub(r"resources:.*", "", SPEC, flags=re.S).replace(", uses: [db, jobs]", "")
    made = list(terraform.plan(product(bare)))
    for word in ("database", "queue", "cache", "bucket"):
        assert not [artifact.path for artifact in made if artifact.path.startswith(f"terraform/modules/{word}/")]
        assert not [name for name in blocks(files(product(bare))) if name.startswith(f"prod/{word}_")]
    assert "terraform/modules/database/main.tf" in {artifact.path for artifact in terraform.plan(product(SPEC))}


def test_modules_that_are_there_are_called(product: Made) -> None:
    made = product(SPEC)
    called = {
        match for text in files(made).values() for match in re.findall(r'source = "\.\./\.\./modules/([\w-]+)"', text)
    }
    folders = {artifact.path.split("/")[2] for artifact in terraform.plan(made) if "/modules/" in artifact.path}
    assert folders == called | {"identity"}, "the bootstrap calls identity"


# hostile values


HOSTILE = [
    "${x}",
    "$${x}",
    "%{ if true }a%{ endif }",
    "%%{x}",
    'a "quoted" word',
    "back\\slash\\n",
    "two\nlines\n",
    "tab\tand\rreturn",
    "# no comment // /* at all */",
    "<<EOT\nx\nEOT",
    "${",
    "%{",
    "$",
    "%",
    '"}',
    "ünïcödé ✓ 🌍",
    "end with a backslash \\",
    " spaces around ",
    "",
]


def quoted(text: str) -> str:
    """A string of YAML; what the spec would take for a reference is escaped."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${")


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_hostile_value_comes_back_as_it_was(product: Made, text: str) -> None:
    if text.startswith("$${"):
        text = "$" + text.removeprefix("$$")  # how a spec writes `${x}`
    spec = SPEC.replace("calls: [api]", f"calls: [api], env: {{GREETING: {quoted(text)}, API: '${{api.url}}'}}")
    made = files(product(spec))
    environment = plain(argument(made, "prod/service_web", "environment"))
    assert environment["GREETING"] == text
    assert environment["API"] == "http://api:8080"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text], ids=repr)
def test_a_hostile_value_beside_an_output_stays_text(product: Made, text: str) -> None:
    if text.startswith("$${"):
        text = "$" + text.removeprefix("$$")
    whole = quoted(text)[:-1] + '|${jobs.url}"'
    spec = SPEC.replace("calls: [api]", f"calls: [api], env: {{GREETING: {whole}}}")
    found = argument(files(product(spec)), "prod/service_web", "environment")
    (value,) = [value for name, value in found.parts if name.parts == ("GREETING",)]
    *literal, last = value.parts
    assert "".join(literal) == f"{text}|"
    assert isinstance(last, hclread.Expr)
    assert last.text in {"", "module.queue_jobs.url"}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('"\\${}%\n\t'), max_size=30))
def test_any_text_in_a_template_comes_back(text: str) -> None:
    made = workloads.template([text, Expression("module.a.b"), text])
    block = hclread.read(f"a = {made}\n", "x.tf")
    parts = block.attributes["a"][0].parts
    index = next(number for number, part in enumerate(parts) if isinstance(part, hclread.Expr))
    assert "".join(parts[:index]) == "".join(parts[index + 1 :]) == text


@pytest.mark.parametrize("value", ["${x}", "%{x}", 'a"b', "a\nb"])
def test_hostile_descriptions_and_tags_break_no_file(product: Made, value: str) -> None:
    text = SPEC.replace("services:\n", f"description: {quoted(value)}\nservices:\n", 1)
    for path, made in files(product(text)).items():
        if path.endswith(".tf"):
            hclread.read(made, path)


def test_a_character_escaped_as_two_halves_is_one(product: Made) -> None:
    spec = SPEC.replace("calls: [api]", r'calls: [api], env: {GREETING: "\ud83c\udf0d"}')
    assert plain(argument(files(product(spec)), "prod/service_web", "environment"))["GREETING"] == "🌍"


def test_tags_come_back(product: Made) -> None:
    text = SPEC.replace("services:\n", 'tags: {cost-centre: "0815", data-class: a.b_c}\nservices:\n', 1)
    (provider,) = (
        block
        for block in hclread.read(files(product(text))["terraform/environments/prod/providers.tf"], "p.tf").blocks
        if block.kind == "provider"
    )
    (default,) = (block for block in provider.blocks if block.kind == "default_tags")
    tags = plain(default.attributes["tags"][0])
    assert tags["cost-centre"] == "0815"
    assert tags["data-class"] == "a.b_c"


# priorities


def priorities(product: Product) -> dict[str, int]:
    spec = product.environments["prod"]
    calls = {call.name: call for call in root(spec).calls if call.module == "service"}
    found = {}
    for name, call in calls.items():
        balancer = call.arguments.get("load_balancer")
        if balancer is not None:
            found[name] = balancer.value["priority"]
    return found


def public(*services: tuple[str, str]) -> str:
    rows = "".join(
        f"  {name}: {{runtime: go, port: 8080, public: {{host: shop.example.com, path_prefix: {path}}}}}\n"
        for name, path in services
    )
    return f"{HEAD}{CLOUD}services:\n{rows}"


def test_priorities_are_unique_and_deeper_paths_come_first(product: Made) -> None:
    paths = ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/c/d/e", *(f"/s{number}" for number in range(40))]
    made = priorities(product(public(*((f"s{number}", path) for number, path in enumerate(paths)))))
    assert len(set(made.values())) == len(paths)
    assert all(1 <= number <= 50_000 for number in made.values())
    order = sorted(made, key=lambda name: made[name])
    assert order[:4] == ["service_s5", "service_s4", "service_s3", "service_s2"]
    assert order[-1] == "service_s0"


def test_a_deeper_path_is_never_hidden(product: Made) -> None:
    made = priorities(
        product(public(("all", "/"), ("four", "/a/b/c/d"), ("five", "/a/b/c/d/e"), ("six", "/a/b/c/d/e/f")))
    )
    assert sorted(made, key=lambda name: made[name]) == ["service_six", "service_five", "service_four", "service_all"]


def test_priorities_do_not_depend_on_neighbours(product: Made) -> None:
    few = [("web", "/"), ("api", "/api")]
    many = [("admin", "/admin"), *few, ("zoo", "/zoo"), ("shop", "/shop/all")]
    old, new = priorities(product(public(*few))), priorities(product(public(*many)))
    assert old.items() <= new.items()
    assert priorities(product(public(*reversed(many)))) == new


# times


@pytest.mark.parametrize(
    ("cron", "expression"),
    [
        ("30 4 * * *", "30 4 * * ? *"),
        ("0 0 1 * *", "0 0 1 * ? *"),
        ("*/5 * * * *", "*/5 * * * ? *"),
        ("0 9-17 * JAN-MAR *", "0 9-17 * JAN-MAR ? *"),
        ("0 0 1-31/2 * *", "0 0 1-31/2 * ? *"),
        ("30 4 * * 1-5", "30 4 ? * 2-6 *"),
        ("0 0 * * MON-FRI", "0 0 ? * 2-6 *"),
        ("0 0 * * mon", "0 0 ? * 2 *"),
        ("0 0 * * 0", "0 0 ? * 1 *"),
        ("0 0 * * 7", "0 0 ? * 1 *"),
        ("0 0 * * 6", "0 0 ? * 7 *"),
        ("0 0 * * 6,0", "0 0 ? * 1,7 *"),
        ("0 0 * * SAT,SUN", "0 0 ? * 1,7 *"),
        ("0 0 * * 5-7", "0 0 ? * 1,6,7 *"),
        ("0 0 * * 1-7", "0 0 ? * 1-7 *"),
        ("0 0 * * FRI-MON", "0 0 ? * 1,2,6,7 *"),
        ("0 0 * * */2", "0 0 ? * 1,3,5,7 *"),
        ("0 0 * * 1-5/2", "0 0 ? * 2,4,6 *"),
        ("0 0 * * 1/2", "0 0 ? * 2,4,6 *"),
        ("0 0 * * 1,3-5/2", "0 0 ? * 2,4,6 *"),
        ("0 0 * * MON,3", "0 0 ? * 2,4 *"),
        ("0  0 * *   2", "0 0 ? * 3 *"),
    ],
)
def test_cron_as_eventbridge_writes_it(cron: str, expression: str) -> None:
    assert workloads.scheduler(cron) == f"cron({expression})"


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("sun 03:00-05:00 UTC", "sun:03:00", "sun:05:00"),
        ("mon 00:00-01:00 UTC", "mon:00:00", "mon:01:00"),
        ("sat 23:00-01:00 UTC", "sat:23:00", "sun:01:00"),
        ("sun 23:00-01:00 UTC", "sun:23:00", "mon:01:00"),
        ("sun 23:00-00:00 UTC", "sun:23:00", "mon:00:00"),
        ("wed 22:30-00:30 UTC", "wed:22:30", "thu:00:30"),
        ("sun 03:00-05:00 Europe/Berlin", "sun:02:00", "sun:04:00"),
        ("mon 00:30-02:30 Europe/Berlin", "sun:23:30", "mon:01:30"),
        ("sun 00:30-02:30 Europe/Berlin", "sat:23:30", "sun:01:30"),
        ("sun 22:00-23:30 America/New_York", "mon:03:00", "mon:04:30"),
        ("sat 18:30-19:30 America/New_York", "sat:23:30", "sun:00:30"),
        ("mon 03:00-05:00 Asia/Tokyo", "sun:18:00", "sun:20:00"),
        ("tue 03:00-05:00 Asia/Kolkata", "mon:21:30", "mon:23:30"),
        ("sun 23:00-01:00 Europe/Berlin", "sun:22:00", "mon:00:00"),
        ("sun 23:30-01:00 America/New_York", "mon:04:30", "mon:06:00"),
        ("sun 00:00-02:00 Pacific/Kiritimati", "sat:10:00", "sat:12:00"),
        ("thu 03:00-05:00 Etc/UTC", "thu:03:00", "thu:05:00"),
    ],
)
def test_the_maintenance_window_in_utc(product: Made, window: str, start: str, end: str) -> None:
    spec = product(f'{SPEC}delivery: {{maintenance_window: "{window}"}}\n').environments["prod"]
    assert stores.window(spec) == (start, end)


def test_backups_are_made_before_the_window(product: Made) -> None:
    made = files(product(f'{SPEC}delivery: {{maintenance_window: "mon 01:00-02:00 UTC"}}\n'))
    assert plain(argument(made, "prod/database_db", "maintenance_window")) == "mon:01:00-mon:02:00"
    assert plain(argument(made, "prod/database_db", "backup_window")) == "23:00-00:00"


# what is there already


@pytest.mark.parametrize("app", ["ecs", "two-regions", "shop", "existing"])
def test_calls_name_what_exists(app: str) -> None:
    """Every module that an argument reads is called in the same root."""
    loaded = load(APPS / app / "groundplan.yaml")
    assert loaded.product is not None
    made = files(loaded.product)
    for environment in loaded.product.environments:
        texts = [text for path, text in made.items() if path.split("/")[2] == environment and path.endswith(".tf")]
        called = {name.split("/")[1] for name in blocks(made) if name.startswith(f"{environment}/")}
        read = {name for text in texts for name in re.findall(r"\bmodule\.([\w-]+)", text)}
        assert read <= called
        assert called, app
