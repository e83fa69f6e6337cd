"""The connector's configuration: one YAML file with settings and mapping; mistakes are named with their line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from airflow_provider_insightly.connector.mapping import FieldMapping, MappingError, check_mapping
from airflow_provider_insightly.connector.settings import Breaker, Breakers, Settings


class ConfigurationError(ValueError):
    """The file cannot be used; the message names each mistake with its line."""


class Configuration(BaseModel):
    """All that the connector is told.

    :param insightly_conn_id: the Airflow connection of the Insightly instance.
    :param settings: the nine boxes and their tuning.
    :param mapping: Prospect Field Mapping.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    insightly_conn_id: str = "insightly_default"
    settings: Settings = Settings()
    mapping: tuple[FieldMapping, ...] = ()

    @field_validator("mapping")
    @classmethod
    def _check_mapping(cls, rows: tuple[FieldMapping, ...]) -> tuple[FieldMapping, ...]:
        check_mapping(rows)
        return rows

    @property
    def digest(self) -> str:
        """A short hash: when it changes, every record is looked at again."""
        decisive = self.model_dump_json(exclude={"settings": {"approval", "breakers"}})
        return hashlib.sha256(decisive.encode()).hexdigest()[:32]

    def override(self, values: Mapping[str, Any]) -> Configuration:
        """Return the configuration with other settings, as the DAG's parameters give them.

        :raises ConfigurationError: a value cannot be used.
        """
        try:
            settings = Settings.model_validate({**self.settings.model_dump(), **values})
        except ValidationError as error:
            raise ConfigurationError("; ".join(_describe(problem) for problem in error.errors())) from None
        return self.model_copy(update={"settings": settings})


def load_configuration(path: str | Path) -> Configuration:
    """Read a configuration.

    :raises ConfigurationError: it is not YAML in UTF-8, a name or type is wrong, or the mapping cannot work.
    """
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}, line {line}: this is not UTF-8: save the file in that encoding") from None
    return read_configuration(text, str(path))


def read_configuration(text: str, name: str = "configuration") -> Configuration:
    """Read a configuration from its text; ``name`` is what mistakes are reported under."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # a character that YAML forbids has none
        problem = getattr(error, "problem", None) or error
        raise ConfigurationError(f"{name}, line {mark.line + 1 if mark else 1}: this is not YAML: {problem}") from None
    if content is not None and not isinstance(content, dict):
        known = ", ".join(Configuration.model_fields)
        raise ConfigurationError(f"{name}, line 1: the file holds a {type(content).__name__}; it begins with: {known}")
    twice = list(_given_twice(root, []))
    if twice:
        raise ConfigurationError("\n".join(f"{name}, {what}" for what in twice))
    written = {key: value for key, value in (content or {}).items() if value is not None}  # all in it is a comment
    try:
        return Configuration.model_validate(written)
    except ValidationError as error:
        found = sorted(located for problem in error.errors() for located in _located(problem, root))
        raise ConfigurationError("\n".join(f"{name}, line {line}: {message}" for line, message in found)) from None


def locate_mapping_problems(path: str | Path, error: MappingError) -> str:
    """Return the problems of a file's mapping that the instance's own fields showed, each with its line."""
    root = yaml.compose(Path(path).read_text("utf-8"), Loader=yaml.SafeLoader)
    found = [(_line(root, ("mapping", number)), what) for number, what in error.problems]
    return "\n".join(f"{path}, line {line}: mapping: {what}" for line, what in sorted(found))


def _given_twice(node: yaml.Node | None, above: list[yaml.Node]) -> Iterator[str]:
    """Name keys that are given twice: YAML would take the last one, and say nothing."""
    if node is None or node in above:  # an anchor may hold an alias of itself
        return
    inside = [*above, node]
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _given_twice(each, inside)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            if isinstance(key.value, str):  # other keys are refused later
                line = key.start_mark.line + 1
                if key.value in seen:
                    yield f"line {line}: {key.value} is given twice, first in line {seen[key.value]}"
                seen.setdefault(key.value, line)
            yield from _given_twice(value, inside)


def _located(problem: Any, root: yaml.Node | None) -> list[tuple[int, str]]:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, MappingError):
        return [(_line(root, (*problem["loc"], number)), f"mapping: {what}") for number, what in cause.problems]
    return [(_line(root, problem["loc"]), _describe(problem))]


_MODELS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): Configuration,
    ("settings",): Settings,
    ("settings", "breakers"): Breakers,
    ("mapping",): FieldMapping,
}
"""What may stand where in the file; a :class:`Breaker` further below."""


def _describe(problem: Any) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        above = tuple(part for part in problem["loc"][:-1] if isinstance(part, str))
        known = _MODELS.get(above, Breaker).model_fields
        near = get_close_matches(str(problem["loc"][-1]), known, n=1)
        there_are = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        return f"{path}: there is no such setting; {there_are}"
    misread = problem["type"] == "string_type" and isinstance(problem["input"], (bool, int, float))
    way_out = "; put it in quotes, so that YAML reads it as text" if misread else ""
    return f"{path}: {problem['msg']} (here: {problem['input']!r}){way_out}"


def _line(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """Return the line (from 1) of what a path leads to, or of the last part of the path that is there."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
