"""Hostile text comes out as text, says a Markdown parser that is not ours."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from battlectl.report.inert import cells, clip, code_block, in_markdown, in_xml, one_line
from battlectl.report.markdown import render_markdown
from tests.report.scenes import HOSTILE, hostile

OUR_TAGS = {"h1", "h2", "p", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td", "pre", "code"}
MARKUP = st.text(alphabet=st.sampled_from("<>&#;|`*_~[]()!\\-+=:/.$ \nab1\x00\u202e\u0301é")) | st.text()


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class _Page(HTMLParser):
    """Tags in order, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(MARKUP)
@example("&lt; &#60; &amp")
@example("<b>c</b> <!-- d --> <?e?> __f__ _g_")
def test_any_text_in_prose_is_read_as_it_stands(text):
    html = _parser().renderInline(f"x{in_markdown(text)}y")
    assert unescape(html) == f"x{one_line(text)}y"


@given(MARKUP)
@example("&lt; &#60; &amp")
@example("<b>c</b> <!-- d --> <?e?> __f__ _g_")
def test_any_text_in_a_table_stays_in_its_cell(text):
    html = _parser().render(f"| a | b |\n|---|---|\n| x{in_markdown(text)}y | z |\n")
    page = _Page(html)
    assert page.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert f"x{one_line(text)}y" in page.text


@given(MARKUP)
def test_any_text_in_a_code_block_stays_inside(text):
    tokens = _parser().parse(f"{code_block(one_line(text))}\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@given(st.text(), st.integers(8, 40))
def test_one_line_is_printable_and_bounded(text, most):
    shown = one_line(text, most)
    assert shown.isprintable()
    assert len(shown) <= most


@given(st.text())
def test_text_for_xml_can_be_encoded_and_has_no_controls(text):
    shown = in_xml(text + "\ud800\x00\x0b\ufffe")
    shown.encode()
    assert not set(shown) & set("\x00\x0b\ufffe\ud800")


def test_wide_characters_take_two_columns():
    assert cells("ab\U0001f525") == 4
    assert cells("e\u0301") == 1
    assert clip("火" * 10, 9) == "火火火..."


def test_a_hostile_report_has_only_our_tags():
    page = _Page(_parser().render(render_markdown(hostile())))
    assert set(page.tags) <= OUR_TAGS
    assert page.tags.count("h1") == 1
    assert one_line(HOSTILE) in page.text


def test_a_hostile_report_keeps_the_shape_of_its_tables():
    tokens = _parser().parse(render_markdown(hostile()))
    widths: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            widths.append(0)
        elif token.type in ("td_open", "th_open"):
            widths[-1] += 1
        elif token.type == "table_close":
            assert len(set(widths)) == 1
            widths.clear()


def test_a_name_of_5000_characters_is_cut():
    assert "x" * 121 not in render_markdown(hostile())
