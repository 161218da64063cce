"""What becomes of a line before it leaves: one message, one set of names, nothing secret.

The names are those of metrics and traces (`service.name`, `service.namespace`, `trace_id`), so that one click leads
from each to the others. The same work is written twice: in Lua for Fluent Bit, in plugins' words for Fluentd.
"""

from __future__ import annotations

import re

from generator.model import Spec

SECRET_KEYS = (
    *("authorization", "proxy_authorization", "cookie", "set_cookie", "password", "passwd", "pwd", "passphrase"),
    *("secret", "client_secret", "token", "access_token", "refresh_token", "id_token", "api_key", "apikey"),
    *("x_api_key", "x_auth_token", "private_key", "session_id", "card_number", "credit_card", "pan", "cvv", "cvc"),
)
"""Fields whose value is never shipped, in lower case with `-` as `_`; any that end in one of `SECRET_ENDS` too."""

SECRET_ENDS = ("_password", "_passwd", "_secret", "_token", "_api_key", "_private_key")

REDACTED = "[redacted]"

BUILT_IN = {"java": "java", "python": "python", "go": "go", "ruby": "ruby"}
"""Runtimes whose stack traces Fluent Bit knows.

https://docs.fluentbit.io/manual/data-pipeline/parsers/multiline-parsing
"""

OWN_TRACES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "node": (
        ("start_state", r"/^(?:Uncaught |Unhandled )?[\w.$]*(?:Error|Exception)\b.*/", "trace"),
        ("trace", r"/^(?:\s+at |\s+\[|\s*Caused by:|\s+(?:code|errno|syscall|cause): |\s*\})/", "trace"),
    ),
    "dotnet": (
        (
            "start_state",
            r"/^(?:Unhandled exception\. )?(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*(?:Exception|Error)\b.*/",
            "trace",
        ),
        ("trace", r"/^\s+(?:at |---> |--- End of )/", "trace"),
    ),
    "php": (
        ("start_state", r"/^(?:PHP )?(?:Fatal error|Parse error|Warning|Uncaught)\b.*/", "trace"),
        ("trace", r"/^(?:(?:PHP )?Stack trace:|(?:PHP )?\s*#?\d+[.\s]|\s+thrown in )/", "trace"),
    ),
    "rust": (
        ("start_state", r"/^thread '[^']*' (?:\(\d+\) )?panicked at .*/", "message"),
        ("message", r"/^.+/", "trace"),
        ("trace", r"/^(?:stack backtrace:|\s+\d+: |\s+at |note: )/", "trace"),
    ),
}
"""Runtimes whose traces it does not know: state, pattern, next state."""


def runtimes(spec: Spec) -> dict[str, str]:
    """The runtimes whose traces have several lines, each with the spec path of a service that has it."""
    found: dict[str, str] = {}
    for service in spec.services.values():
        if service.runtime is not None and service.runtime.name in {*BUILT_IN, *OWN_TRACES}:
            found.setdefault(service.runtime.name, service.runtime.at("name"))
    return found


def parser_name(runtime: str) -> str:
    """The multiline parser of a runtime."""
    return BUILT_IN.get(runtime) or f"{runtime}-trace"


def lua(spec: Spec) -> str:
    """The filter's code; `shape` is its entry."""
    values = {
        "namespace": spec.namespace,
        "environment": spec.environment.name,
        "redacted": REDACTED,
    }
    heads = [f"local {name} = {lua_string(value)}" for name, value in values.items()]
    keys = [f"  [{lua_string(key)}] = true," for key in SECRET_KEYS]
    ends = ", ".join(lua_string(end) for end in SECRET_ENDS)
    code = "\n".join([*heads, "local secret = {", *keys, "}", f"local ends = {{ {ends} }}", _LUA])
    return re.sub(r"\n{2,}", "\n", code)  # an empty line would keep YAML from writing it line by line


def lua_string(text: str) -> str:
    """A Lua literal; whatever is not plain ASCII is written as its bytes."""
    safe = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\$' else f"\\{byte:03d}" for byte in text.encode("utf-8")
    )
    return f'"{safe}"'


def words(pattern: str) -> re.Pattern[str]:
    """A multiline pattern as Python reads it: without the slashes around it."""
    return re.compile(pattern.strip("/"))


_LUA = """\

-- a run of digits is a card's number when Luhn's sum says so; times in ms, us or ns begin with 1
local function card(run)
  local digits = string.gsub(run, "%D", "")
  if #digits < 14 or #digits > 19 or not string.find(digits, "^[2-6]") then
    return nil
  end
  local sum, double = 0, false
  for place = #digits, 1, -1 do
    local digit = tonumber(string.sub(digits, place, place))
    if double then
      digit = digit * 2
      if digit > 9 then
        digit = digit - 9
      end
    end
    sum, double = sum + digit, not double
  end
  if sum % 10 == 0 then
    return redacted
  end
  return nil
end

local function clean(text)
  text = string.gsub(text, "([Bb]earer%s+)[%w%-%._~%+/]+=*", "%1" .. redacted)
  text = string.gsub(text, "([Bb]asic%s+)[%w%+/]+=*", "%1" .. redacted)
  text = string.gsub(text, "eyJ[%w_%-]+%.[%w_%-]+%.[%w_%-]+", redacted)
  text = string.gsub(text, "(%a[%w+.-]*://[^:/@%s]+:)[^@/%s]+@", "%1" .. redacted .. "@")
  text = string.gsub(text, "%f[%w]A[KS]IA%u[%u%d]+%f[%W]", redacted)
  for _, word in ipairs({ "[Pp]assword", "[Pp]asswd", "[Ss]ecret", "[Tt]oken", "[Aa]pi[_-]?[Kk]ey" }) do
    text = string.gsub(text, "(" .. word .. "[\\"']?%s*[=:]%s*\\")[^\\"]*", "%1" .. redacted)
    text = string.gsub(text, "(" .. word .. "[\\"']?%s*[=:]%s*')[^']*", "%1" .. redacted)
    text = string.gsub(text, "(" .. word .. "[\\"']?%s*[=:]%s*)[^%s\\"',;&}]+", "%1" .. redacted)
  end
  text = string.gsub(text, "%f[%w]%d[%d%- ]+%d%f[%W]", card)
  return text
end

local function hidden(key)
  local name = string.gsub(string.lower(tostring(key)), "-", "_")
  if secret[name] then
    return true
  end
  for _, tail in ipairs(ends) do
    if string.sub(name, -#tail) == tail then
      return true
    end
  end
  return false
end

local function redact(value, depth)
  for key, inner in pairs(value) do
    if type(key) == "string" and hidden(key) then
      value[key] = redacted
    elseif type(inner) == "string" then
      value[key] = clean(inner)
    elseif type(inner) == "number" and inner > 1e13 and card(string.format("%.0f", inner)) then
      value[key] = redacted
    elseif type(inner) == "table" then
      if depth > 8 then
        value[key] = redacted
      else
        redact(inner, depth + 1)
      end
    end
  end
end

local numbered = { [10] = "trace", [20] = "debug", [30] = "info", [40] = "warn", [50] = "error", [60] = "fatal" }

local function first(record, names)
  for _, name in ipairs(names) do
    local value = record[name]
    if value ~= nil then
      record[name] = nil
      return value
    end
  end
  return nil
end

function shape(tag, timestamp, record)
  local about = type(record["kubernetes"]) == "table" and record["kubernetes"] or {}
  local labels = type(about["labels"]) == "table" and about["labels"] or {}
  local name = labels["app.kubernetes.io/name"] or about["container_name"] or string.match(tag, "^compose%.([^.]+)")
  local version = labels["app.kubernetes.io/version"]
  -- names of labels are no names of fields: `app` and `app.kubernetes.io/name` cannot stand side by side
  about["labels"], about["annotations"] = nil, nil

  local message = first(record, { "message", "msg", "log" })
  if type(message) == "table" then
    record["data"], message = message, nil
  end
  record["message"] = message
  local level = first(record, { "level", "severity", "levelname", "lvl", "log.level" })
  level = numbered[level] or level
  if level ~= nil then
    level = string.lower(tostring(level))
    record["level"] = level == "warning" and "warn" or level
  end
  local trace = first(record, { "trace_id", "traceId", "trace.id", "otelTraceID" })
  local span = first(record, { "span_id", "spanId", "span.id", "otelSpanID" })
  record["trace_id"], record["span_id"] = trace, span
  if record["log_type"] ~= nil then
    record["log_type"] = tostring(record["log_type"])
  end
  -- the shipper writes the time; a second one under its name would make the document invalid
  record["@timestamp"], record["time"], record["_p"] = nil, nil, nil
  redact(record, 1)
  record["service"] = { name = name or "unknown", namespace = namespace, version = version }
  record["environment"] = environment
  return 2, timestamp, record
end
"""
