from itertools import combinations, product

import pytest

from tests.pairwise import cover

VALUES = ("abcdefghi", "wxyz", (True, False), (0, 1), "pqr")


@pytest.mark.parametrize("whole", [(), (1, 2, 3), (0, 4)])
def test_every_pair_meets_and_what_is_to_stay_whole_does(whole):
    cases = cover(*VALUES, whole=whole)
    for together in [*combinations(range(5), 2), whole]:
        met = {tuple(case[i] for i in together) for case in cases}
        assert met == set(product(*(VALUES[i] for i in together)))


def test_a_cover_is_small_and_the_same_every_time():
    cases = cover(*VALUES, whole=(1, 2, 3))
    assert len(cases) == len(set(cases)) < 432 / 8
    assert 36 <= len(cases)  # nine times four pairs must be in different cases
    assert cover(*VALUES, whole=(1, 2, 3)) == cases


def test_a_single_pair_of_parameters_is_their_product():
    assert sorted(cover("ab", "xyz")) == list(product("ab", "xyz"))
