"""What weights never saw is said, and refused if one asks for that."""

from dataclasses import replace

import pytest
from fake_generators import knowing
from places import DATA
from rdkit import Chem

from molediff.molecules.data.minima import Minima
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.domain import Domain, checksum, shipped_domain, surroundings
from molediff.molecules.perception.kinds import Kinds

CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"


def mol_of(smiles):
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize(
    "smiles",
    [CAFFEINE, "CC(=O)Oc1ccccc1C(=O)O", "CC(C)=CCCC(C)CC=O", "FC(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)F"],
)
def test_molecules_larger_than_qm9_lie_outside(smiles):
    lacks = shipped_domain("qm9").lacks(mol_of(smiles))
    assert any("heavy atoms, more than 9" in note for note in lacks)


@pytest.fixture(scope="module")
def narrow():
    """Of weights that saw alcohols, amines and ketones alone."""
    return Domain.of(map(mol_of, ("CCO", "CCN", "CC(C)=O", "CCCCC", "CC(C)O")))


@pytest.mark.parametrize(
    ("smiles", "note"),
    [
        ("COO", "a hydroperoxide"),
        ("CC(=O)O", "a carboxylic acid"),
        ("C[N+]#[C-]", "an isocyanide"),
        ("CN=[N+]=[N-]", "an azide"),
        ("[H]/N=N/[H]", "an azo group"),
        ("CN=C=O", "an isocyanate"),
        ("C=C=C=C", "a butatriene"),
        ("CC=O", "the bond C-C in CC=O"),
        ("CNC", "the bond C-N in CNC"),
        ("N", "N by itself"),
        ("CC(C)=CC", "the bond C=C in CC=C(C)C"),
    ],
)
def test_what_is_outside_is_said_as_chemists_say_it(narrow, smiles, note):
    notes = [each for each in narrow.lacks(mol_of(smiles)) if "charge" not in each]
    assert note in notes
    assert all(len(each) < 60 for each in notes)
    assert "surroundings" not in " ".join(notes)


def test_warnings_of_rdkit_are_not_shown_while_a_domain_is_made(capfd):
    Domain.of(mol_of("CCO") for _ in range(1) if Chem.MolFromSmiles("C(") is None)
    assert capfd.readouterr().err == ""


def test_of_many_new_bonds_three_are_named(narrow):
    (*named, rest) = narrow.lacks(mol_of("C#CC1(C)C=C1"))[-4:]
    assert rest.endswith(" more")
    assert all(note.startswith("the bond ") for note in named)


@pytest.mark.parametrize("smiles", ["C#N", "CCO", "CC(=O)NC", "C1CC1", "c1ccoc1", "CC(N)CO"])
def test_molecules_of_qm9_lie_inside(smiles):
    assert shipped_domain("qm9").lacks(mol_of(smiles)) == []


@pytest.mark.parametrize("smiles", ["CC=O", "OO", "NN", "C=[N+]=[N-]", "COO", "C[NH3+]", "CC(=O)O", "C=C=O"])
def test_small_molecules_are_known_to_the_weights_that_saw_them(smiles):
    assert shipped_domain("qm9").lacks(mol_of(smiles)) == []
    assert shipped_domain("qm9_fast").lacks(mol_of(smiles)) == []
    assert shipped_domain("qm9_b3lyp").lacks(mol_of(smiles)) != []


def test_students_know_what_they_were_taught():
    assert shipped_domain("qm9_distilled") == shipped_domain("qm9_fast")
    assert shipped_domain("qm9_fast").surroundings == shipped_domain("qm9").surroundings
    assert shipped_domain("qm9_b3lyp").surroundings < shipped_domain("qm9").surroundings
    assert shipped_domain("of nobody") is None


@pytest.mark.parametrize("smiles", ["C=NN", "CC(C)=NN"])
def test_what_qm9_saw_and_learned_badly_is_named(smiles):
    domain = shipped_domain("qm9")
    assert domain.missed < domain.surroundings
    assert domain.lacks(mol_of(smiles)) == []
    assert domain.misses(mol_of(smiles)) != []
    assert domain.misses(mol_of("CCO")) == domain.misses(mol_of("CC(=O)NC")) == []


def test_a_domain_is_written_and_read_whole():
    domain = Domain.of([mol_of("CCO"), mol_of("C[NH3+]")])
    assert Domain.from_json(domain.to_json()) == domain
    assert Domain.from_json(replace(domain, ends_in="gfn2").to_json()).ends_in == "gfn2"
    assert domain.misses(mol_of("CCO")) == []
    assert domain.lacks(mol_of("CCO")) == []
    assert domain.lacks(mol_of("CCF")) == ["the element F"]
    assert domain.lacks(mol_of("CCCC")) == [
        "4 heavy atoms, more than 3",
        "the bond C-C in CCC",
        "the bond C-C in CCCC",
    ]


@pytest.fixture(scope="module")
def generator():
    return ConformerGenerator.from_pretrained("qm9_b3lyp", device="cpu")


def test_the_result_says_what_is_outside_and_strict_refuses(generator):
    result = generator.generate("CC(=O)Oc1ccccc1C(=O)O", 1, max_attempts=1)
    assert "outside what these weights were trained on: 13 heavy atoms, more than 9" in result.reason
    refused = generator.generate("CC(=O)Oc1ccccc1C(=O)O", 1, strict=True)
    assert refused.status == "failed"
    assert refused.num_drawn == 0
    assert "strict=True" in refused.reason


def test_inside_nothing_is_said(generator):
    assert generator.generate("CC(N)CO", 1, strict=True).reason == ""


@pytest.mark.parametrize("smiles", ["OO", "NF", "[H]/N=N/[H]", "COO", "C[N+]#[C-]"])
def test_small_molecules_that_the_network_does_not_know_are_refused(generator, smiles):
    result = generator.generate(smiles, 2, seed=1)
    assert (result.status, result.num_drawn) == ("failed", 0)
    assert "outside what these weights were trained on" in result.reason
    assert "fewer than 5 heavy atoms come out wrong then, use the weights 'auto'" in result.reason


def test_what_was_not_measured_to_come_out_wrong_is_not_refused_for_its_size():
    generator = knowing("CCO")
    generator.domain = Domain.of([mol_of("CCN")])
    result = generator.generate("CCO", 1)
    assert result.status == "ok"
    assert "outside what these weights were trained on" in result.reason


@pytest.fixture
def badly_taught():
    """Of weights that saw ethanol and methylamine, and were measured to miss the C-O bond of the first."""
    generator = knowing("CCO", "CN", "CCN")
    texts = [text for pair, text in surroundings(mol_of("CCO"), Kinds(mol_of("CCO"))) if "O+0:" in text]
    domain = Domain.of(map(mol_of, ("CCO", "CN")))
    generator.domain = replace(domain, missed=frozenset(map(checksum, texts)))
    return generator


def test_what_was_measured_to_be_missed_is_said_and_lies_inside_all_the_same(badly_taught):
    result = badly_taught.generate("CCO", 1, strict=True)
    assert result.status == "ok"
    assert result.reason.startswith(
        "these weights often leave such bonds more than 0.03 Å or 4° off their minimum"
    )
    assert "the bond C-" in result.reason
    assert badly_taught.generate("CN", 1, strict=True).reason == ""


def test_a_domain_grows_by_what_is_trained_on_beside(narrow):
    more = narrow.with_molecules(map(mol_of, ("CC=O", "CCOO", "C[NH3+]", "CCCCCCCCC")))
    assert "the bond C-C in CC=O" in narrow.lacks(mol_of("CC=O"))
    assert more.lacks(mol_of("CC=O")) == []
    assert more.lacks(mol_of("C[NH3+]")) == []
    assert more.num_heavy == narrow.num_heavy == 5


def test_the_general_weights_know_what_they_were_trained_on_and_little_else():
    domain = shipped_domain("drugs")
    assert domain == shipped_domain("drugs_refiner")  # the former name
    assert {*domain.elements} == {"B", "Br", "C", "Cl", "F", "H", "I", "N", "O", "P", "S", "Se", "Si"}
    smiles = Minima.read(DATA / "drugs_minima.npz").smiles_list()[::1000]
    assert [domain.lacks(mol_of(one)) for one in smiles] == [[]] * len(smiles)
    assert domain.lacks(mol_of("C[As](C)C")) == ["the element As"]
    assert domain.lacks(mol_of("C[C+2]C")) == ["an atom of charge +2", "the bond C-C in C[C+2]C"]


@pytest.mark.parametrize("smiles", ["CC(=O)Oc1ccccc1C(=O)O", "CN1CCN(C(=O)c2ccc(Br)cc2)CC1", CAFFEINE])
def test_usual_drugs_carry_no_caution(smiles):
    assert shipped_domain("drugs").lacks(mol_of(smiles)) == []
