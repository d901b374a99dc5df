"""``docs/images.md`` shows the catalogue that the code has."""

import pytest

from homelab.config.image_catalogue import CONTAINER_TEMPLATES, DISK_IMAGES
from operations.images.catalogue_table import BEGIN, DOCUMENT, END, catalogue_markdown, with_current_catalogue


def test_the_document_is_current() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert with_current_catalogue(document) == document, "run `python -m operations.images.catalogue_table`"


def test_every_image_is_in_the_table() -> None:
    table = catalogue_markdown()
    for image in DISK_IMAGES.values():
        assert f"| `{image.name}` | [`{image.file_name}`]({image.url}) |" in table
    for template in CONTAINER_TEMPLATES.values():
        assert f"| `{template.name}` | `{template.file_name}` | `{template.os_type}` |" in table


def test_what_is_around_the_markers_stays() -> None:
    document = with_current_catalogue(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert document.startswith(f"before\n{BEGIN}\n\n### Cloud images")
    assert document.endswith(f"\n\n{END}\nafter\n")
    assert "old" not in document.split("\n")


@pytest.mark.parametrize("document", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_document_without_markers_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        with_current_catalogue(document)
