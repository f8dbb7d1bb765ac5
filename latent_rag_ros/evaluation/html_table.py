"""A Markdown table as HTML, for pages that show what the documents show."""
from __future__ import annotations

import html


def html_table(markdown: str) -> str:
    """Return the Markdown table that stands in a text as HTML; other lines are left out."""
    lines = [[cell.strip() for cell in line.strip('|').split('|')]
             for line in markdown.splitlines() if line.startswith('|')]
    rows = []
    for number, cells in enumerate([lines[0], *lines[2:]]):
        tag = 'td' if number else 'th'
        rows.append('<tr>' + ''.join(
            f'<{tag}>{html.escape(cell.replace("**", ""))}</{tag}>' for cell in cells) + '</tr>')
    return f'<table>{"".join(rows)}</table>'
