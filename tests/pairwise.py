"""Few test cases in which any two values still meet, instead of every combination of all."""

from itertools import combinations, product


def cover(*values, whole=()):
    """Return cases in which every pair of values of any two parameters occurs, found greedily.

    ``whole`` are the positions of parameters that meet in every combination.
    """
    groups = [*combinations(range(len(values)), 2), whole]
    meets = {
        case: {(group, tuple(case[i] for i in group)) for group in groups}
        for case in product(*values)
    }
    missing, cases = set().union(*meets.values()), []
    while missing:
        cases.append(max(meets, key=lambda case: len(meets[case] & missing)))
        missing -= meets[cases[-1]]
    return cases
