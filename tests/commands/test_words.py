"""Messages of the package in the words of the prompt."""

import warnings
from dataclasses import dataclass

import pytest
from at_a_prompt import molediff
from places import PACKAGE
from typer.main import get_command

from molediff.commands.main import main
from molediff.commands.notes import warnings_in_one_line
from molediff.commands.words import as_typed, options_of, spoken
from molediff.molecules.generation.outcome import better_known_by, known_by
from molediff.molecules.graph.limits import too_large

OPTIONS = options_of(get_command(main).commands["conformers"])


@pytest.mark.parametrize(
    ("python", "prompt"),
    [
        ("or largest_fragment=True, which leaves salts out", "or --largest-fragment, which leaves salts out"),
        ("try more num_steps or max_attempts", "try more --num-steps or --max-attempts"),
        ("max_attempts or the weights 'qm9'", "--max-attempts or --weights qm9"),
        (
            known_by("qm9"),
            "these weights do not know such molecules; try --weights qm9, as 'auto' does",
        ),
        (
            better_known_by("qm9"),
            "these weights do not know such molecules, and may strain them; --weights qm9 do, which 'auto' takes",
        ),
        ("use the weights 'auto', which", "use --weights auto, which"),
        ("give a Mol with conformers and init='given'", "give an SDF file with conformers and --init given"),
        ("leave relax out", "leave --relax out"),
        (
            "say which, energies='mmff', 'gfn2', 'aimnet2' or 'learned'.",
            "say which, --energies mmff, gfn2, aimnet2 or learned.",
        ),
        ("with weights='drugs' and init='given'", "with --weights drugs and --init given"),
        ("leave relax out, as preset='crystal' does", "leave --relax out, as --preset crystal does"),
        ("select='energy' needs energies: which", "--select energy needs energies: which"),
        ("pool=3 is less than 5", "--pool 3 is less than 5"),
        ("it is pool=3.", "it is --pool 3."),
        (
            too_large(200, 160),
            "200 atoms with hydrogens, more than --max-atoms 160: give a part of it "
            "(--max-atoms can be raised; nothing was tested beyond).",
        ),
        (": smiles_column='NAME' says which", ": --smiles-column NAME says which"),
        ("timeout must be above 0, or None; got -1.0.", "--timeout must be above 0; got -1.0."),
        ("relax must be one of None, mmff", "--relax must be one of mmff"),
        ("num_workers=4 on cuda", "--workers 4 on cuda"),
        ("solver=, num_steps= cannot be set", "--solver, --num-steps cannot be set"),
        ("a timeout of 1 s struck", "a timeout of 1 s struck"),
        ("no such file: num_steps.smi", "no such file: num_steps.smi"),
        ("no such file: runs/num_steps/a", "no such file: runs/num_steps/a"),
        ("'num_steps=3.sdf' is none", "'num_steps=3.sdf' is none"),
        ("the option --num-steps", "the option --num-steps"),
    ],
)
def test_settings_are_named_as_options(python, prompt):
    assert as_typed(python, OPTIONS) == prompt


def test_a_command_without_such_an_option_leaves_the_words_alone():
    film = options_of(get_command(main).commands["film"])
    assert as_typed("relax='mmff' or max_attempts", film) == "relax='mmff' or max_attempts"


def test_results_carry_the_words_of_the_prompt_and_are_else_the_same():
    @dataclass(frozen=True)
    class Result:
        smiles: str
        reason: str

    good, poor = Result("C", ""), Result("CC", "try more max_attempts")
    assert list(spoken([good, poor], OPTIONS)) == [good, Result("CC", "try more --max-attempts")]


def test_a_warning_is_one_line_without_a_file_of_python(capsys):
    with pytest.warns() as caught, warnings_in_one_line("molediff x", OPTIONS):
        warnings.warn("elsewhere", DeprecationWarning, stacklevel=1)
    assert len(caught) == 1
    with warnings_in_one_line("molediff x", OPTIONS):
        warnings.simplefilter("always")
        warnings.warn_explicit(
            "out of memory\n(batch_atoms=64 begins so)", UserWarning, str(PACKAGE / "a.py"), 1
        )
    with warnings_in_one_line("molediff x", OPTIONS, quiet=True):
        warnings.warn_explicit("unheard", UserWarning, str(PACKAGE / "a.py"), 2)
    assert capsys.readouterr().err == "molediff x: out of memory (--batch-atoms 64 begins so)\n"


def test_no_reason_at_the_prompt_speaks_python(tmp_path):
    ended = molediff("conformers", "CC.O", "-n", 1, "-o", "a.sdf", folder=tmp_path)
    assert "--largest-fragment" in ended.stderr
    assert "largest_fragment" not in ended.stderr
    assert "--largest-fragment" in (tmp_path / "a.sdf.status.csv").read_text()
    ended = molediff("images", "--guidance", 2, "-o", "a.png", folder=tmp_path)
    assert "--guidance 2.0 needs a label for every image: give --label..." in ended.line
