import pytest

from molediff.runtime.files import complete_file


def test_an_interrupted_file_leaves_nothing_and_keeps_the_old_one(tmp_path):
    target = tmp_path / "folder" / "out.sdf"
    with complete_file(target) as file:
        file.write("old")
    with pytest.raises(KeyboardInterrupt), complete_file(target) as file:  # noqa: PT012
        file.write("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_the_file_appears_only_when_complete(tmp_path):
    with complete_file(tmp_path / "out.sdf") as file:
        file.write("x")
        assert not (tmp_path / "out.sdf").exists()
    assert (tmp_path / "out.sdf").read_text() == "x"


def test_a_folder_is_refused_as_output(tmp_path):
    with pytest.raises(IsADirectoryError, match="name of a file"), complete_file(tmp_path):
        pass
