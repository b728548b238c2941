"""How large a workflow may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """GitHub's limits for one workflow file and the files it calls.

    Source: actions/runner `ParseOptions.cs`, `YamlObjectReader.cs`, `TemplateMemory.cs`; call depth: GitHub's documentation
    (ten levels, the caller included).
    """

    max_file_size: int = 1024 * 1024  # characters
    max_depth: int = 50  # nested mappings and sequences
    max_nodes: int = 50_000  # YAML events, counted again at every alias
    max_result_size_bytes: int = (
        10 * 1024 * 1024
    )  # two bytes a character and a fixed price per node; all files together
    max_call_depth: int = 9  # reusable workflows below the first file
    max_files: int = 51
    max_jobs: int = 0  # over all files; 0 = any number
