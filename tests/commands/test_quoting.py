"""What of a command line is the name of a file, and what a list."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from molediff.commands.quoting import quoted_path, quoted_paths


@pytest.mark.parametrize(
    "name", ["a#b", "a=b", "a b", "a[1]", "{a}", "-a", "1.5", "a,b", "it's", "a\\", "\\'\\", "é~&("]
)
def test_the_name_of_a_file_is_taken_as_it_stands(name):
    found = OverridesParser.create().parse_override(quoted_path(f"output={name}"))
    assert found.value() == name


@pytest.mark.parametrize(
    "word", ["output=null", "output='a b'", "solver=heun", "path=linear", "seeds=[1,2]", "--help"]
)
def test_all_else_is_left_to_hydra(word):
    assert quoted_path(word) == word


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("benchmark", ["benchmark=known_molecules", "benchmark.weights=[qm9,qm9_fast]"]),
        ("train", ["experiment=qm9_small", "data.train=[a.sdf,b.sdf]"]),
        ("train", ["data=ensembles", "data.train=[a.sdf,b.sdf]"]),  # ??? in the config
        ("build_ranges", ["sets=[a]"]),
    ],
)
def test_a_list_stays_one_where_the_key_has_a_list(config, words):
    assert quoted_paths(words, config) == words


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("benchmark", ["benchmark=conformers", "benchmark.weights=[1]"]),
        ("sample", ["output=[1]"]),
        ("train", ["data=ensembles", "data.train=[1]"]),
    ],
)
def test_brackets_are_part_of_a_files_name_where_the_key_has_one_file(config, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "[1]").mkdir()
    *choices, last = words
    assert quoted_paths(words, config) == [*choices, last.replace("[1]", "'[1]'")]
