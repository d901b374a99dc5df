"""Sizes with their unit written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homelab.config.problems import Refused
from homelab.config.units import Size, format_gibibytes, format_mebibytes, parse_gibibytes, parse_mebibytes


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [("512MiB", 512), ("2GiB", 2048), ("1TiB", 1048576), ("0MiB", 0), (" 4 GiB ", 4096), ("007MiB", 7)],
)
def test_sizes_in_mebibytes(text: str, mebibytes: int) -> None:
    assert parse_mebibytes(text) == mebibytes


@pytest.mark.parametrize(
    ("value", "message", "fix"),
    [
        (2048, "the unit is missing", "write 2048MiB or 2048GiB"),
        ("2048", "the unit is missing", "write 2048GiB"),
        ("2GB", "the unit 'GB' is not known", "write 2GiB"),
        ("2g", "the unit 'g' is not known", "write 2GiB"),
        ("2M", "the unit 'M' is not known", "write 2MiB"),
        ("2X", "the unit 'X' is not known", "write 2GiB"),
        ("-2GiB", "this is not a size", "write it as 512MiB or 20GiB"),
        ("2.5GiB", "this is not a size", "write it as 512MiB or 20GiB"),
        ("", "this is not a size", "write it as 512MiB or 20GiB"),
        (True, "this is not a size", "write it as 512MiB or 20GiB"),
        (2.5, "this is not a size", "write it as 512MiB or 20GiB"),
        (None, "this is not a size", "write it as 512MiB or 20GiB"),
        ([], "this is not a size", "write it as 512MiB or 20GiB"),
    ],
)
def test_what_is_no_size(value: object, message: str, fix: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_mebibytes(value)
    assert (caught.value.message, caught.value.fix) == (message, fix)


def test_disks_have_whole_gibibytes() -> None:
    assert parse_gibibytes("20480MiB") == 20
    with pytest.raises(Refused) as caught:
        parse_gibibytes("20481MiB")
    assert caught.value.fix == "write 21GiB"


@pytest.mark.parametrize(
    ("mebibytes", "text"), [(0, "0MiB"), (512, "512MiB"), (1536, "1536MiB"), (2048, "2GiB"), (1048576, "1TiB")]
)
def test_sizes_are_written_with_their_largest_whole_unit(mebibytes: int, text: str) -> None:
    assert format_mebibytes(mebibytes) == text


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back(size: int) -> None:
    assert parse_mebibytes(format_mebibytes(size)) == size
    assert parse_gibibytes(format_gibibytes(size)) == size


@pytest.mark.parametrize(
    ("size", "mebibytes"), [(Size.mib(512), 512), (Size.gib(4), 4096), (Size.tib(2), 2 * 1024 * 1024)], ids=str
)
def test_a_program_says_its_unit_too(size: Size, mebibytes: int) -> None:
    assert parse_mebibytes(size) == mebibytes
    assert type(parse_mebibytes(size)) is int


def test_a_programs_disk_is_in_whole_gibibytes() -> None:
    assert parse_gibibytes(Size.gib(20)) == 20
    with pytest.raises(Refused, match="whole GiB"):
        parse_gibibytes(Size.mib(1500))
