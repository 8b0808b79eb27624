"""The written rules of the code base, kept by machine: who may import whom, names, pins, pages."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("ingestion", "analytics", "orchestration", "sandbox", "benchmarks")
# What a package may import of ours. `sandbox` knows nobody; only the demo and the command line know it.
MAY_IMPORT = {
    "ingestion": {"ingestion"},
    "analytics": {"analytics"},
    "sandbox": {"sandbox"},
    "orchestration": {"orchestration", "ingestion", "sandbox"},
    "benchmarks": {"benchmarks", "analytics", "ingestion", "orchestration", "sandbox"},
}
KNOWS_THE_SANDBOX = {"orchestration/demo.py", "orchestration/cli.py"}


def tracked(pattern: str) -> list[Path]:
    """Files of the checkout, also new ones that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for line in listing.splitlines() if (path := REPOSITORY / line).is_file()]


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


MODULES = [path for path in tracked("*.py") if relative(path).split("/")[0] in PACKAGES]


def imports(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_dependencies_point_one_way(path: Path):
    package = relative(path).split("/")[0]
    foreign = (imports(path) & set(PACKAGES)) - MAY_IMPORT[package]
    assert not foreign, f"{relative(path)} imports {foreign}"
    if package == "orchestration" and relative(path) not in KNOWS_THE_SANDBOX:
        assert "sandbox" not in imports(path), f"only {KNOWS_THE_SANDBOX} may know the sandbox"


@pytest.mark.parametrize("path", [p for p in MODULES if relative(p).startswith("ingestion/")], ids=relative)
def test_ingestion_runs_without_dagster(path: Path):
    assert not imports(path) & {"dagster", "dagster_dlt"}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module_and_public_functions_are_documented(path: Path):
    tree = ast.parse(path.read_text())
    if path.read_text().strip():
        assert ast.get_docstring(tree), "a module's docstring says what belongs there"
    bare = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and len(node.body) > 3
    ]
    assert not bare, f"public and undocumented in {relative(path)}: {bare}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_are_small(path: Path):
    assert len(path.read_text().splitlines()) <= 400, "a module over 400 lines is probably two"


def test_every_feed_describes_its_source():
    feeds = sorted(path.parent for path in (REPOSITORY / "ingestion").glob("*/__init__.py"))
    assert len(feeds) >= 9
    for feed in feeds:
        source = yaml.safe_load((feed / "source.yml").read_text())
        about_feed = {"publisher", "owner", "cadence", "licence", "contains_personal_data"} - set(source)
        about_tables = [
            name
            for name, table in source["tables"].items()
            if not {"grain", "critical_data_elements", "expected_volumes"} <= set(table)
        ]
        assert not about_feed and not about_tables, f"{relative(feed)}/source.yml: {about_feed} {about_tables}"


def test_the_inventory_of_sources_is_what_the_feeds_say(home: Path):
    from orchestration.sources import page

    assert (REPOSITORY / "docs/sources.md").read_text() == page(), "run: plumbline sources > docs/sources.md"


def test_every_runtime_dependency_is_explained():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["spark"]
    page = (REPOSITORY / "docs/dependencies.md").read_text().lower()
    for requirement in wanted:
        name = re.split(r"[\[<>=~ ]", requirement)[0].lower()
        assert re.search(rf"[|,] {re.escape(name)}[ ,|]", page), f"docs/dependencies.md does not explain {name}"


@pytest.mark.parametrize(("name", "least"), [("base", 100), ("dev", 100), ("spark", 100), ("duckdb1", 1)])
def test_locks_are_hashed_and_name_no_index(name: str, least: int):
    lock = (REPOSITORY / f"requirements/{name}.lock").read_text()
    pins = re.findall(r"^[A-Za-z0-9_.\-]+(?:\[[^\]]+\])?==\S+", lock, re.M)
    assert len(pins) >= least
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock and "index-url" not in lock


def test_no_path_or_secret_of_a_machine_is_committed():
    own = str(REPOSITORY.parent) + "/"
    pattern = re.compile(r"(api[_-]?key|secret|password)\s*[:=]\s*['\"][A-Za-z0-9/+_\-]{24,}['\"]", re.I)
    for path in tracked("*"):
        if path.suffix in {".png", ".lock"}:
            continue
        text = path.read_text(errors="ignore")
        assert own not in text, f"{relative(path)} names a path of this machine"
        assert not pattern.search(text), f"{relative(path)} looks as if it holds a secret"


def test_sql_from_outside_is_never_concatenated():
    """ruff's S608 looks for it; who switches the rule off says in the same line why the text is not from outside."""
    for path in MODULES:
        for line in path.read_text().splitlines():
            if "noqa: S" in line:
                assert re.search(r"noqa: S\d+ .{8,}", line), f"{relative(path)}: {line.strip()}"
