"""Roles by inputs and outputs (facts 4.2), shapes of weights by the search of design 6."""

from __future__ import annotations

from types import SimpleNamespace as Space

import pytest

from acl_bundle import om
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._modeldef import define
from acl_bundle.om._proto.encode import encode


def graph(name="", inputs=(), outputs=()):
    return Space(
        name=name,
        inputs=[Space(name=one) for one in inputs],
        outputs=[Space(name=one) for one in outputs],
    )


INFER = graph("net", ["x"], ["y"])
INIT = graph("a")
UPDATE = graph("b", ["w_var_data", "v_var_data"])


@pytest.mark.parametrize(
    ("graphs", "expected"),
    [
        ([INFER, INIT, UPDATE], {"infer": 0, "init": 1, "update": 2}),
        ([INFER, UPDATE, INIT], {"infer": 0, "init": 2, "update": 1}),
        ([UPDATE, INIT, INFER], {"infer": 2, "init": 1, "update": 0}),
        ([UPDATE, INFER], {"infer": 1, "update": 0}),
        ([INFER], {"infer": 0}),
        ([INFER, INFER], {}),
        ([graph("net", [], ["y"]), UPDATE], {"infer": 0, "update": 1}),
        ([graph("net", ["a_var_data"], ["y"]), UPDATE], {"infer": 0, "update": 1}),
        (
            [graph("head", ["h"], ["z"]), graph("var_infer_graph", ["x"], ["y"]), UPDATE],
            {"infer": 1, "update": 2},
        ),
    ],
)
def test_roles(graphs, expected):
    """The index of a graph says nothing, its ends do; names settle what is left."""
    assert om.detect(graphs) == expected


@pytest.mark.parametrize(
    ("graphs", "said"),
    [
        ([INFER, INFER, UPDATE], r"graphs 0 \('net'\), 1 \('net'\) could each be the infer graph"),
        ([INFER, INIT, INIT], r"graphs 1 \('a'\), 2 \('a'\) could each be the init graph"),
        ([graph("var_infer_graph", ["w_var_data"])], "looks like the update graph; say which"),
        ([INFER, graph("var_update_graph")], "looks like the init graph"),
    ],
)
def test_doubts(graphs, said):
    """A doubt or a contradiction is an error that shows how to settle it."""
    with pytest.raises(BundleFormatError, match=said):
        om.detect(graphs, "f.om")


def test_all_places_agree(refreshable):
    """Then-branch, Variable and Const say the same."""
    found = om.open_bundle(refreshable()).variables
    assert {name: (one.shape, one.dtype, one.nbytes) for name, one in found.items()} == {
        "w": ((2, 3), 0, 24)
    }


@pytest.mark.parametrize("place", ["then", "variable", "const"])
def test_each_place_counts(refreshable, place):
    """A shape found in one place alone is taken: the others do not know it."""
    unknown = {"then": (-2,), "variable": (-1, 3), "const": (-2,)}
    del unknown[place]
    assert om.open_bundle(refreshable(**unknown)).variables["w"].shape == (2, 3)


@pytest.mark.parametrize("place", ["then", "variable", "const"])
def test_places_disagree(refreshable, place):
    """Two places that disagree are an error that quotes both."""
    with pytest.raises(BundleFormatError, match=r"disagree about weight 'w'.*says \[3, 2\]"):
        _ = om.open_bundle(refreshable(**{place: (3, 2)})).variables


def test_no_place_knows(refreshable):
    """A weight whose shape stands nowhere is listed without one."""
    data = refreshable(then=(-2,), variable=(-2,), const=(-2,))
    weight = om.open_bundle(data).variables["w"]
    assert (weight.shape, weight.nbytes, weight.numpy.name) == (None, None, "float32")


def stored(layout, shape, origin):
    """A Variable whose stored layout is not its author's."""
    desc = define.Desc(0, shape, layout)
    raw = define.model_def(
        "m", [define.GraphValue("g", [define.Op("w_var", "Variable", output_descs=[desc])])], {}
    )
    # Desc writes its own dims as origin; put the author's there instead
    mine = encode(define._attr(tuple(shape)))
    theirs = encode(define._attr(tuple(origin) if origin else "gone"))
    assert len(mine) == len(theirs)
    return raw.replace(mine, theirs)


def test_origin_shape_wins_over_the_stored_one(made):
    """The compiler may store a variable in another format (facts 4.2): the origin counts."""
    data = stored(29, (1, 2, 16, 16), (5, 6, 7, 8))
    variables = om.open_bundle(made.bundle([made.model([(0, data)])])).variables
    assert variables["w"].shape == (5, 6, 7, 8)


def test_variables_without_an_update_graph(made):
    """Without an update graph the Variable nodes name the weights."""
    ops = [define.Op("w_var", "Variable", output_descs=[define.Desc(1, (4,))])]
    data = define.model_def("m", [define.GraphValue("g", ops)], {})
    found = om.open_bundle(made.bundle([made.model([(0, data)])])).variables
    assert {name: (one.dtype, one.shape) for name, one in found.items()} == {"w": (1, (4,))}


def test_layout():
    """Each takes roundup(bytes, 512) + 1024: one of 16 bytes takes 1536 (facts 4.4)."""
    assert om.layout([16]) == ((0,), 1536)
    assert om.layout([512, 513, 1]) == ((0, 1536, 3584), 5120)
    assert om.layout([]) == ((), 0)
