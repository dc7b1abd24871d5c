import pytest

from hfptm.redaction import hosts_only


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://node.example/v2/KEY: gone", "https://node.example: gone"),
        ("'https://u:p@node.example:8545?key=KEY'", "'https://node.example:8545'"),
        ("wss://h/KEY, https://h/KEY; nothing else", "wss://h, https://h; nothing else"),
        ("no address at all: a/b", "no address at all: a/b"),
    ],
)
def test_of_an_address_the_host_is_left(text: str, shown: str) -> None:
    assert hosts_only(text) == shown
