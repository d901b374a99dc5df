"""The secrets platform, deployed once for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real_docker.secrets_site import SecretsSite, secrets_site


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretsSite]:
    """A site on which every stack is applied."""
    with secrets_site(tmp_path_factory.mktemp("site")) as site:
        site.apply_all()
        yield site
