"""Edits of findings, applied to text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skep.model.finding import Edit, Finding, Location
from skep.pipeline.workflow.lint.check import lint_text
from skep.pipeline.workflow.lint.fixing import apply_edits


def finding(*edits: Edit) -> Finding:
    """A finding that is mended by these edits."""
    return Finding(rule="x", message="x", where=Location(path="ci.yml", line=1, column=1), edits=edits)


def edit(start: int, end: int, replacement: str = "") -> Edit:
    """A piece replaced."""
    return Edit(start=start, end=end, replacement=replacement)


def test_edits_are_applied_whatever_their_order() -> None:
    first, second = finding(edit(4, 7, "TWO")), finding(edit(0, 3, "1"))
    assert apply_edits("one two three", [first, second]) == ("1 TWO three", (first, second))


def test_all_edits_of_a_finding_are_applied_together() -> None:
    both = finding(edit(0, 1, "("), edit(4, 5, ")"))
    assert apply_edits("{abc}", [both]) == ("(abc)", (both,))


def test_a_finding_whose_edits_touch_those_of_an_earlier_one_is_left() -> None:
    first, second = finding(edit(0, 5, "x")), finding(edit(6, 7, "y"), edit(3, 4, "z"))
    assert apply_edits("abcdefgh", [first, second]) == ("xfgh", (first,))


def test_two_insertions_at_one_place_are_not_both_done() -> None:
    first, second = finding(edit(1, 1, "x")), finding(edit(1, 1, "y"))
    assert apply_edits("ab", [first, second]) == ("axb", (first,))


def test_the_same_edit_of_two_findings_is_done_once() -> None:
    first, second = finding(edit(1, 2, "x")), finding(edit(1, 2, "x"))
    assert apply_edits("abc", [first, second]) == ("axc", (first, second))


def test_an_edit_outside_of_the_text_is_left() -> None:
    assert apply_edits("abc", [finding(edit(2, 9, "x"))]) == ("abc", ())


def test_a_byte_order_mark_stays_and_is_not_counted() -> None:
    assert apply_edits("\ufeffabc", [finding(edit(0, 1, "x"))])[0] == "\ufeffxbc"


@given(
    text=st.text(max_size=30),
    groups=st.lists(
        st.lists(
            st.builds(edit, st.integers(0, 30), st.integers(0, 30), st.text(max_size=3)),
            min_size=1,
            max_size=3,
        ).map(tuple),
        max_size=6,
    ),
)
def test_what_is_not_edited_stays_as_it_is(text: str, groups: list[tuple[Edit, ...]]) -> None:
    """Whatever was done, the text is the pieces between the edits with the replacements between them."""
    result, mended = apply_edits(text, [finding(*edits) for edits in groups])
    mark, plain = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    done = sorted({one for found in mended for one in found.edits}, key=lambda one: (one.start, one.end))
    pieces, at = [mark], 0
    for one in done:
        assert at <= one.start
        pieces += [plain[at : one.start], one.replacement]
        at = one.end
    assert result == "".join([*pieces, plain[at:]])


def test_comments_and_blanks_around_a_mended_command_stay() -> None:
    text = (
        "on: push # why\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n\n"
        '      - run:   echo "::set-output name=x::$Y"   # an output\n'
        "      - run: |\r\n          # first\r\n          echo '::save-state name=a::b'  \r\n"
    )
    mended, done = apply_edits(text, lint_text(text, "ci.yml").findings)
    assert len(done) == 2
    assert mended == text.replace('"::set-output name=x::$Y"', '"x=$Y" >> "$GITHUB_OUTPUT"').replace(
        "'::save-state name=a::b'", "'a=b' >> \"$GITHUB_STATE\""
    )


def test_a_command_whose_value_has_escapes_or_a_doubtful_line_is_not_mended() -> None:
    doubtful = [
        'echo "::set-output name=x::a%0Ab"',
        'echo "::set-output name=x::a" | tee log',
        "echo ::set-output name=x::$(cat y)",
        'echo "::set-output name=x::a" && echo b',
        'printf "::set-output name=x::a"',
        'echo "::set-output::a"',
        'echo "::set-output name=x::`cat y`"',
    ]
    for line in doubtful:
        text = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n          {line}\n"
        found = [one for one in lint_text(text, "ci.yml").findings if one.rule == "deprecated-command"]
        assert [one.edits for one in found] == [()], line


def test_a_script_that_is_not_verbatim_in_the_file_or_of_another_shell_is_not_mended() -> None:
    script = 'echo "::set-output name=x::a"'
    quoted = f"'{script}'"
    folded = f">\n          {script}"
    for value in (quoted, folded, f"{script}\n        shell: python"):
        text = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {value}\n"
        found = [one for one in lint_text(text, "ci.yml").findings if one.rule == "deprecated-command"]
        assert [one.edits for one in found] == [()], value


def test_a_mended_condition_stands_inside_one_pair_of_braces() -> None:
    text = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    if: {}\n    steps: [{{run: make}}]\n"
    for before, after in [
        ("${{ github.ref }} == 'x'", "${{ github.ref == 'x' }}"),
        ("\"${{ github.ref }} == 'x'\"", "\"${{ github.ref == 'x' }}\""),
        ("${{ github.ref == 'x' }} && ${{ !github.sha }}", "${{ github.ref == 'x' && !github.sha }}"),
        ("'! ${{ github.ref }}'", "'! ${{ github.ref }}'"),
        ("not ${{ github.ref }}", "not ${{ github.ref }}"),
    ]:
        broken = text.format(before)
        assert apply_edits(broken, lint_text(broken, "ci.yml").findings)[0] == text.format(after)
