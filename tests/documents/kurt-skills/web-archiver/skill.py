"""The code that the document describes and does not show: it registers by the decorator."""

from documents import supplied

from kurt_ext import register_tool


@register_tool
class WebArchiverTool(supplied.WebArchiverTool):
    """Archive web pages to Internet Archive."""
