"""A value in PostgreSQL's own words, as JSON."""

from mesh.kits.postgres.changes import value


def test_an_array_of_boxes_stays_as_it_is_written() -> None:
    """Its elements are told apart by semicolons, as those of no other type."""
    boxes = "{(2,2),(1,1);(4,4),(3,3)}"
    assert (value("box[]", boxes), value("point[]", '{"(1,2)","(3,4)"}')) == (boxes, ["(1,2)", "(3,4)"])
