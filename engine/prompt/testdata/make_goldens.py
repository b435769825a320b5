"""Renders templates/*.jinja with Jinja2 itself, set up as transformers sets it up.

Run in this folder: python3 make_goldens.py (Jinja2 3.1.6). It writes goldens.json,
with which the tests of package prompt compare, and jinja/testdata/constructs.json,
with which those of package jinja do. Both packages read the same conversations.
"""

import datetime
import json
import pathlib

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """{% generation %}, which for rendering is nothing but its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.Scope(body, lineno=line)


NOW = datetime.datetime(2026, 3, 5, 7, 8, 9)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
)
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = NOW.strftime

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city, \"now\" & later: <b>°C</b>",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "a city's name"},
                "days": {"type": "array", "items": {"type": "integer"}},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}},
}

# Messages as package prompt has them.
CONVERSATIONS = {
    "hello": [{"role": "user", "content": "Hello"}],
    "system": [
        {"role": "system", "content": "  Answer briefly.\n"},
        {"role": "user", "content": "\n\nWho was Napoleon? "},
        {"role": "assistant", "content": " An emperor.\t"},
        {"role": "user", "content": "When?\r\nAnd where?"},
    ],
    "tool": [
        {"role": "system", "content": "Use tools."},
        {"role": "user", "content": "Weather in Paris, \u00ab demain \u00bb?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"name": "get_weather", "arguments": {"city": "Paris <FR> & \"Île\"\n", "days": [1, 2], "x": {"a": None, "b": [True, 1.5]}}},
            ],
        },
        {"role": "tool", "content": '{"temp": 21.5, "sky": "clear \\u00e9"}', "name": "get_weather"},
        {"role": "assistant", "content": "21.5 degrees."},
        {"role": "user", "content": "Thanks"},
    ],
    "two calls": [
        {"role": "user", "content": "Time and weather?"},
        {
            "role": "assistant",
            "content": "<think>\nhm\n</think>\n\nLet me see.",
            "tool_calls": [
                {"name": "get_weather", "arguments": {"city": "Oslo"}},
                {"name": "clock", "arguments": {}},
            ],
        },
        {"role": "tool", "content": "12:00", "name": "clock"},
        {"role": "tool", "content": "rain", "name": "get_weather"},
    ],
    "empty": [],
    "two users": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    "unknown role": [{"role": "critic", "content": "a"}],
    "unicode": [
        {"role": "user", "content": "\u2003日本語 🎉 'quoted' \"double\" back\\slash\u0007\u00a0"},
        {"role": "assistant", "content": "ça va\u2028?"},
    ],
}


def transformers_messages(messages):
    """The messages as apply_chat_template gets them. The ids are package prompt's own."""
    out, count, open_calls = [], 0, []
    for m in messages:
        d = {"role": m["role"], "content": m["content"]}
        if m.get("name"):
            d["name"] = m["name"]
        if m["role"] == "tool":
            call = next((c for c in open_calls if c["function"]["name"] == m.get("name")), open_calls[0])
            d["tool_call_id"] = call["id"]
            open_calls.remove(call)
        if m.get("tool_calls"):
            open_calls = []
            for c in m["tool_calls"]:
                count += 1
                open_calls.append({"id": f"call{count:05d}", "type": "function", "function": c})
            d["tool_calls"] = list(open_calls)
        out.append(d)
    return out


def render(template, variables):
    try:
        return {"want": template.render(**variables)}
    except jinja2.exceptions.TemplateError as e:
        return {"refuses": str(e)} if type(e) is jinja2.exceptions.TemplateError else {"fails": True}
    except Exception:
        return {"fails": True}


def goldens():
    cases = []
    for path in sorted(pathlib.Path("templates").glob("*.jinja")):
        template = env.from_string(path.read_text(encoding="utf-8"))
        for name, messages in CONVERSATIONS.items():
            for tools in (None, [WEATHER, CLOCK]):
                for generate in (False, True):
                    variables = {
                        "messages": transformers_messages(messages),
                        "tools": tools,
                        "documents": None,
                        "add_generation_prompt": generate,
                        "bos_token": "<BOS>",
                        "eos_token": "<EOS>",
                    }
                    case = {"template": path.name, "conversation": name, "tools": bool(tools), "generate": generate}
                    cases.append(case | render(template, variables))
    return cases


def constructs():
    variables = json.loads(pathlib.Path("../jinja/testdata/variables.json").read_text(encoding="utf-8"))
    cases = []
    source = pathlib.Path("../jinja/testdata/constructs.txt").read_bytes().decode("utf-8")
    for block in source.split("\n=====\n"):
        try:
            template = env.from_string(block)
        except Exception:  # also Python's own SyntaxError, for a break outside a loop
            cases.append({"template": block, "fails": True})
            continue
        cases.append({"template": block} | render(template, variables))
    return cases


def write(path, content):
    head = {"generated": "Code generated by make_goldens.py with Jinja2 " + jinja2.__version__ + ". DO NOT EDIT."}
    text = json.dumps(head | content, ensure_ascii=False, indent=1)
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


write("goldens.json", {"conversations": CONVERSATIONS, "tools": [WEATHER, CLOCK], "cases": goldens()})
write("../jinja/testdata/constructs.json", {"cases": constructs()})
