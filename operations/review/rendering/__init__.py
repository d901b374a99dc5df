"""Reviews as text, Markdown and JSON."""
