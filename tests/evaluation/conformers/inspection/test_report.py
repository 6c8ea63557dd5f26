"""What a report is made of, and what it is not."""

import pytest
from fake_generators import embedded

import molediff
from molediff.evaluation.conformers.inspection.report import report, report_on_files


@pytest.mark.parametrize(("results", "kind"), [("CCO", "str"), (None, "NoneType"), ([3], "int")])
def test_what_is_neither_result_nor_mol_is_told(tmp_path, results, kind):
    with pytest.raises(TypeError, match=f"report takes results or Mols with conformers; got {kind}"):
        report(results, tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def test_one_file_by_itself_is_one_file(tmp_path):
    molediff.write(embedded("CO"), tmp_path / "a.sdf")
    assert report_on_files(str(tmp_path / "a.sdf"), tmp_path / "a.html").num_molecules == 1
