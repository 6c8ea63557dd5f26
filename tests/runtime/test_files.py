import os
import tempfile
import time

import pytest

from molediff.runtime.files import check_writable, complete_file, write_bytes


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


def test_what_a_killed_writer_left_is_removed_and_what_another_writes_is_not(tmp_path):
    target, leftover = tmp_path / "out.sdf", tmp_path / ".out.sdf.abc_d123"
    other = tmp_path / ".out.sdf.backup"
    for path in (leftover, other):
        path.write_text("half")
    an_hour_ago = time.time() - 3600
    with complete_file(target) as file:
        file.write("first")
        file.flush()
        (running,) = set(tmp_path.iterdir()) - {leftover, other}
        for path in (leftover, other, running):
            os.utime(path, (an_hour_ago, an_hour_ago))
        write_bytes(target, b"second")
        assert running.exists()
        assert not leftover.exists()
    assert target.read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "out.sdf"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_place_is_named_and_not_the_file_on_the_way_there(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError) as raised:
        write_bytes(tmp_path / "out.sdf", b"")
    assert raised.value.filename == str(tmp_path / "out.sdf")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the processes are no files here")
def test_a_folder_that_takes_no_files_is_not_said_to_be_missing():
    with pytest.raises(PermissionError, match="no file can be written there: '/proc'"):
        check_writable("/proc")


def test_no_room_for_a_new_file_is_said_of_the_file_asked_for(tmp_path, monkeypatch):
    def fails(prefix, dir):
        raise OSError(28, "No space left on device", f"{dir}/{prefix}xyz")

    monkeypatch.setattr(tempfile, "mkstemp", fails)
    with pytest.raises(OSError, match="No space left") as raised:
        write_bytes(tmp_path / "out.sdf", b"")
    assert raised.value.filename == str(tmp_path / "out.sdf")
