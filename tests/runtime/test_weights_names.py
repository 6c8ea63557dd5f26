import pytest

from molediff.networks.pretrained import SHIPPED, find_weights, load_categorical
from molediff.networks.weights import NoSuchWeightsError
from molediff.runtime.weights_names import kind_of, names_in


def test_weights_of_a_kind_are_found_by_what_their_files_say():
    assert names_in(SHIPPED, "graphs") == ["moses_graphs", "qm9_graphs", "qm9_graphs_properties"]
    assert names_in(SHIPPED, "particles") == ["dw4", "lj13"]
    assert set(names_in(SHIPPED, "graphs")) < set(names_in(SHIPPED))
    assert names_in(SHIPPED, "sonnets") == names_in(SHIPPED)


def test_a_file_that_cannot_be_read_is_of_no_kind(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"no head")
    assert names_in(tmp_path) == ["broken"]
    assert kind_of({}) == "unknown"


@pytest.mark.parametrize("ask", [load_categorical, lambda name: find_weights(name, "graphs")])
def test_where_there_are_none_of_the_name_those_of_the_kind_are_named(ask):
    with pytest.raises(NoSuchWeightsError, match=r"\(moses_graphs, qm9_graphs, qm9_graphs_properties\)"):
        ask("nope")
