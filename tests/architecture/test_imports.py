"""What no import linter can say: private names stay in their room, only the host starts processes."""

import ast
import tomllib

from tools import PROJECT

from .sources import PACKAGE, imports, modules, room_of

# calls that start a process without importing `subprocess`
STARTS_A_PROCESS = {
    "posix_spawn",
    "posix_spawnp",
    "fork",
    "forkpty",
    "system",
    "popen",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "spawnv",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "subprocess_exec",
    "subprocess_shell",
}


def test_a_private_name_of_another_room_is_never_imported() -> None:
    taken = [
        f"{source.name}:{item.line} {item.module}.{item.name}"
        for source in modules()
        for item in imports(source)
        if item.module.startswith("skep") and room_of(item.module) != source.room
        if any(
            part.startswith("_") and part != "__version__" for part in (*item.module.split("."), item.name)
        )
    ]
    assert taken == []


def test_nobody_imports_the_package_root_except_for_its_version() -> None:
    taken = [
        f"{source.name}:{item.line}"
        for source in modules()
        for item in imports(source)
        if item.module == "skep" and item.name != "__version__" and not _is_room(item.name)
    ]
    assert taken == []


def test_the_package_root_holds_the_version_only() -> None:
    (root,) = [source for source in modules() if source.module == "skep"]
    assert [type(node) for node in root.tree.body] == [ast.Expr, ast.Assign]


def test_only_the_host_starts_processes() -> None:
    starts = [
        f"{source.name}:{node.lineno} {node.attr}"
        for source in modules()
        if source.room != "skep.host"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in STARTS_A_PROCESS and _on_a_module(node)
    ]
    assert starts == []


def test_rooms_receive_values_and_never_read_the_environment() -> None:
    allowed = {"skep.host", "skep.settings", "skep.wiring", "skep.cli", "skep.testing"}
    reads = [
        f"{source.name}:{node.lineno}"
        for source in modules()
        if source.room not in allowed
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and _on_a_module(node)
    ]
    assert reads == []


def test_every_contract_of_the_import_linter_is_named() -> None:
    with (PROJECT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == {"floors", "pipeline", "circles", "sql", "processes"}
    assert all(contract.get("exhaustive") for contract in contracts if contract["type"] == "layers")


def _is_room(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def _on_a_module(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"os", "asyncio", "loop", "pty"}
