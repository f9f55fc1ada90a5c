import pytest

from dlnotes.lab.exercises import attempt


def test_what_a_check_misses_is_said_and_stops_nothing(capsys):
    with attempt():
        raise AssertionError("nothing is returned yet")
    assert capsys.readouterr().out == "not done yet: nothing is returned yet\n"


def test_a_check_that_passes_says_what_it_says(capsys):
    with attempt():
        print("all checks passed")
    assert capsys.readouterr().out == "all checks passed\n"


def test_another_error_shows_where_it_happened():
    with pytest.raises(ZeroDivisionError), attempt():
        raise ZeroDivisionError
