"""action.yml in every form, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from skep.model.finding import Finding
from skep.pipeline.actions.manifest import Action, dockerfile_action, read_action
from skep.pipeline.workflow.nodes import MappingNode, Scalar, Template

_HEAD = "name: n\ndescription: d\n"


def read(text: str) -> Action:
    """The action of a text without errors."""
    action, findings = read_action(text, "action.yml")
    assert action is not None, findings
    return action


def found(text: str) -> list[tuple[str, str]]:
    """(rule, place) of the errors of a wrong text."""
    action, findings = read_action(text, "action.yml")
    assert action is None
    return [(finding.rule, str(finding.where)) for finding in findings if finding.is_error]


def warnings(text: str) -> list[Finding]:
    """The findings of a text without errors."""
    action, findings = read_action(text, "action.yml")
    assert action is not None
    return list(findings)


def test_a_composite_action_has_steps_as_jobs_have() -> None:
    action = read(
        f"{_HEAD}author: a\ninputs:\n  who: {{required: 'true', default: 5, deprecationMessage: gone}}\n  other: {{required: false}}\n"
        "outputs:\n  out: {description: o, value: '${{ steps.a.outputs.x }}'}\nruns:\n  using: composite\n  steps:\n"
        "    - {id: a, run: 'echo ${{ inputs.who }}', shell: bash}\n"
        "    - {uses: actions/cache@v4, if: always(), with: {path: x}}\n"
        "    - {run: y, shell: '${{ inputs.other }}', continue-on-error: true, working-directory: w, env: {A: b}}\n"
    )
    assert (action.using, action.author) == ("composite", "a")
    who, other = action.inputs
    assert (who.required, who.deprecation_message, other.required) == (True, "gone", False)
    assert isinstance(who.default, Scalar)
    assert who.default.value == "5"
    assert isinstance(action.outputs[0].value, Template)
    assert [step.id for step in action.steps] == ["a", "__actions_cache", "__run"]
    assert [step.condition.expression.text for step in action.steps] == ["success()", "always()", "success()"]
    assert isinstance(action.steps[2].shell, Template)


@pytest.mark.parametrize(
    ("written", "using"),
    [("node12", "node20"), ("node16", "node20"), ("Node20", "node20"), ("node24", "node24")],
)
def test_old_versions_of_node_are_mapped_up(written: str, using: str) -> None:
    action = read(f"{_HEAD}runs: {{using: {written}, main: dist/index.js}}\n")
    assert (action.using, action.using_written, action.main) == (using, written, "dist/index.js")
    assert (action.pre_if, action.post_if) == (None, None)


def test_pre_and_post_run_always_unless_a_condition_says_otherwise() -> None:
    action = read(
        f"{_HEAD}runs: {{using: node20, main: m, pre: p, post: q, post-if: \"runner.os == 'Linux'\"}}\n"
    )
    assert action.pre_if is not None
    assert action.pre_if.expression.text == "always()"
    assert action.post_if is not None
    assert action.post_if.expression.text == "runner.os == 'Linux'"


def test_a_docker_action_has_an_image_arguments_and_entrypoints() -> None:
    action = read(
        f"{_HEAD}runs:\n  using: docker\n  image: docker://alpine\n  entrypoint: e\n  pre-entrypoint: p\n  post-entrypoint: q\n"
        "  args: ['${{ inputs.a }}', b]\n  env: {A: '${{ inputs.a }}'}\n"
    )
    assert (action.using, action.image, action.entrypoint) == ("docker", "docker://alpine", "e")
    assert [type(arg) for arg in action.args] == [Template, Scalar]
    assert isinstance(action.env, MappingNode)
    assert action.pre_if is not None
    assert action.post_if is not None


def test_a_dockerfile_alone_is_an_action() -> None:
    assert dockerfile_action("a/Dockerfile").image == "Dockerfile"


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", [("empty-file", "action.yml:1:1")]),
        ("- a\n", [("wrong-type", "action.yml:1:1")]),
        (_HEAD, [("missing-key", "action.yml:1:1")]),
        ("runs: composite\n", [("missing-key", "action.yml:1:7")]),
        ("runs: {main: x}\n", [("missing-key", "action.yml:1:7")]),
        ("runs: {using: node21, main: x}\n", [("unknown-using", "action.yml:1:15")]),
        ("runs: {using: node20}\n", [("missing-key", "action.yml:1:7")]),
        ("runs: {using: docker}\n", [("missing-key", "action.yml:1:7")]),
        ("runs: {using: composite}\n", [("missing-key", "action.yml:1:7")]),
        ("runs: {using: composite, main: x, steps: []}\n", [("unknown-key", "action.yml:1:26")]),
        ("runs: {using: composite, steps: [{run: x}]}\n", [("missing-key", "action.yml:1:34")]),
        (
            "runs: {using: composite, steps: [{run: x, shell: bash, timeout-minutes: 5}]}\n",
            [("unknown-key", "action.yml:1:56")],
        ),
        (
            "runs: {using: composite, steps: [{run: '${{ secrets.A }}', shell: bash}]}\n",
            [("expression-context", "action.yml:1:40")],
        ),
        (
            "runs: {using: composite, steps: [{uses: nothing, if: nope()}]}\n",
            [("bad-uses", "action.yml:1:41"), ("expression-function", "action.yml:1:54")],
        ),
        (
            "runs: {using: node20, main: x, post: y, post-if: secrets.A}\n",
            [("expression-context", "action.yml:1:50")],
        ),
        (
            "inputs: {a: {default: '${{ inputs.b }}'}}\nruns: {using: node20, main: x}\n",
            [("expression-context", "action.yml:1:23")],
        ),
        ("runs: {using: node20, main: [x]}\n", [("wrong-type", "action.yml:1:29")]),
        ("runs: {using: node20\n", [("yaml-syntax", "action.yml:2:1")]),
    ],
)
def test_a_wrong_action_is_explained(text: str, errors: list[tuple[str, str]]) -> None:
    assert found(text) == errors


def test_unknown_keys_and_a_missing_name_are_warnings() -> None:
    text = "descripton: d\nbranding: {icon: x}\nruns: {using: node20, main: x}\n"
    assert [finding.rule for finding in warnings(text)] == ["unknown-key", "missing-key", "missing-key"]
    assert warnings(text)[0].hint == "did you mean `description`?"


def test_a_repeated_step_id_is_a_warning_in_an_action() -> None:
    step = "{id: a, run: x, shell: bash}"
    text = f"{_HEAD}runs: {{using: composite, steps: [{step}, {step}]}}\n"
    assert [finding.rule for finding in warnings(text)] == ["duplicate-id"]
