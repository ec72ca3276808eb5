"""The switch for the same bits in every process, which a GPU obeys."""

import pytest

import bptplr


def test_the_switch_keeps_what_it_is_set_to():
    assert not bptplr.get_deterministic()
    bptplr.set_deterministic(True)
    try:
        assert bptplr.get_deterministic()
        with pytest.raises(ValueError, match="value must be True or False"):
            bptplr.set_deterministic("yes")
        assert bptplr.get_deterministic()
    finally:
        bptplr.set_deterministic(False)
    assert not bptplr.get_deterministic()
