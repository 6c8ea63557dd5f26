import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.range_survey import Survey
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import LEAST_SEEN, Ranges


def water(bond):
    half = np.radians(52.25)
    x = bond * np.array([[0, 0, 0], [np.sin(half), np.cos(half), 0], [-np.sin(half), np.cos(half), 0]])
    return with_conformers(Chem.AddHs(Chem.MolFromSmiles("O")), [x])


def survey(*bonds, times=LEAST_SEEN):
    found = Survey()
    for bond in bonds:
        found.add(water(bond), times)
    return found


def names_of_water():
    return Kinds(water(1)).lengths().names[0]


def test_extremes_are_what_was_seen():
    found = survey(0.94, 0.98).ranges({}).find("bond_length", names_of_water())
    assert (found.low, found.high) == (0.94, 0.98)
    assert found.num == 2 * 2 * LEAST_SEEN  # two bonds a molecule


def test_bounds_lie_outside_and_come_nearer_the_more_was_seen():
    few, many = survey(0.96).ranges({}), survey(0.96, times=1000).ranges({})
    (low,), (high,) = few.bounds("bond_length", [names_of_water()])
    (lower,), (higher,) = many.bounds("bond_length", [names_of_water()])
    assert low < lower < 0.96 < higher < high


def test_only_names_that_count_are_seen():
    found = Survey()
    found.add(water(0.96), 1, lambda name: name == "1|H|O")
    ranges = found.ranges({})
    assert ranges.find("bond_length", names_of_water()[:-1]) is None
    assert ranges.find("bond_length", ["1|H|O"]).num == 2
    assert ranges.find("angle", Kinds(water(1)).angles().names[0]) is None


def test_what_was_never_seen_has_no_bounds():
    low, high = survey(0.96).ranges({}).bounds("bond_length", [("1|nothing",)])
    assert (low[0], high[0]) == (-np.inf, np.inf)


def test_surveys_add_up():
    one, other = survey(0.94), survey(0.98)
    one.join(other)
    assert one.ranges({}).to_json() == survey(0.94, 0.98).ranges({}).to_json()


def test_usual_angles_are_means_and_bends_are_off_them():
    mol = Chem.AddHs(Chem.MolFromSmiles("C"))
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
    x = 1.09 * np.vstack([np.zeros(3), corners])
    found = Survey()
    found.add(with_conformers(mol, [x]), LEAST_SEEN)
    usual = Ranges({}, usual_angles=found.usual_angles())
    names = Kinds(mol).angles().names
    np.testing.assert_allclose(usual.usual_angles(names), 109.5, atol=0.1)
    found.add_bends(with_conformers(mol, [x]), usual.usual_angles, LEAST_SEEN)
    ranges = Ranges.from_json(found.ranges({}).to_json())
    np.testing.assert_allclose(ranges.usual_angles(names), 109.5, atol=0.1)
    (low,), (high,) = ranges.bounds("bend", Kinds(mol).bends().names)
    assert low < 0.1 < high < 10


def test_a_table_is_written_and_read_whole():
    ranges = survey(0.94, 0.98).ranges({"sets": ["water"]})
    again = Ranges.from_json(ranges.to_json())
    assert again.to_json() == ranges.to_json()
    assert again.head == {"sets": ["water"]}
