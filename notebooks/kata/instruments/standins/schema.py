"""The plainest JSON value that a JSON schema allows: how the chat stand-in answers in a strict format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEPTH = 12  # a schema that refers to itself ends here, if it lets itself be ended
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "stand-in@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: Mapping[str, Any], text: str = "") -> Any:
    """A value for the schema: the first of an enum that `text` names, or its first, the lowest number, `text` itself.

    Raises ValueError if a `$ref` leads nowhere or never ends.
    """
    return _Example(schema, text).of(schema, 0)


class _Example:
    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._text = text

    def of(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping):
            return {}  # `true`: anything goes
        if depth > 3 * _DEPTH:
            raise ValueError("the schema refers to itself without an end")
        if "$ref" in schema:
            return self.of(self._target(schema["$ref"]), depth + 1)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if schema.get("enum"):
            return next((value for value in schema["enum"] if str(value) in self._text.lower()), schema["enum"][0])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.of(self._choice(schema[key], depth), depth + 1)
        if schema.get("allOf"):
            return self.of(self._merged(schema), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds if isinstance(kinds, str) else next((each for each in kinds if each != "null"), "null")
        match kind:
            case "object":
                return {name: self.of(each, depth + 1) for name, each in schema.get("properties", {}).items()}
            case "array":
                length = schema.get("minItems", 0 if depth > _DEPTH else 1)
                return [self.of(schema.get("items", {}), depth + 1) for _ in range(length)]
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return True
            case "null":
                return None
        return self._string(schema)

    def _string(self, schema: Mapping[str, Any]) -> str:
        value = _FORMATS.get(schema.get("format", ""), self._text or "text")
        return value.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]

    def _number(self, schema: Mapping[str, Any]) -> float:
        step = schema.get("multipleOf", 1)
        if "exclusiveMinimum" in schema:
            low = schema["exclusiveMinimum"]
            high = min(schema.get("exclusiveMaximum", low + 2 * step), schema.get("maximum", low + 2 * step))
            return (
                (low // step + 1) * step
                if schema.get("type") == "integer" or "multipleOf" in schema
                else (low + high) / 2
            )
        if "minimum" in schema:
            return -(-schema["minimum"] // step) * step if step != 1 else schema["minimum"]
        return min(0, schema.get("maximum", 0), schema.get("exclusiveMaximum", 1) - step)

    def _choice(self, options: list[Any], depth: int) -> Any:
        """The first that is not null; null once the schema has gone deep enough."""
        is_null = [isinstance(option, Mapping) and option.get("type") == "null" for option in options]
        return options[is_null.index(depth > _DEPTH)] if (depth > _DEPTH) in is_null else options[0]

    def _merged(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            part = self._target(part["$ref"]) if "$ref" in part else part
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            merged = {**merged, **part, **({"properties": properties} if properties else {})}
        return merged

    def _target(self, reference: str) -> Any:
        """Follow a pointer within the schema, `#/$defs/Name` (RFC 6901)."""
        target: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or step not in target:
                raise ValueError(f"{reference} leads nowhere in the schema")
            target = target[step]
        return target
