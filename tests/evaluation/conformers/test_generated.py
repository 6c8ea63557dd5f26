from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import Mol

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.evaluate import evaluate_methods
from molediff.evaluation.conformers.generated import Generated
from molediff.molecules.generation.result import GenerationResult


class FakeGenerator:
    """Embeds with RDKit, and says that it threw away some samples."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int, dict[str, Any]]] = []

    def generate(self, molecule: Mol, num_conformers: int, seed: int, **options: Any) -> GenerationResult:
        self.asked.append((molecule.GetNumConformers(), num_conformers, seed, options))
        mol = etkdg(molecule, num_conformers, seed)
        rejected = {"stereo": 1, "bond_length": 2}
        return GenerationResult(
            "", mol, "ok", "", num_conformers, seed, num_drawn=10, num_reflected=1, num_rejected=rejected
        )

    def generate_many(
        self, molecules: Iterable[Mol], num_conformers: int, seed: int, **options: Any
    ) -> Iterator[GenerationResult]:
        return (self.generate(molecule, num_conformers, seed, **options) for molecule in molecules)


@pytest.mark.parametrize(("num_conformers", "expected"), [(3, [3, 3]), (None, [4, 2])])
def test_asks_without_coordinates_and_counts_what_was_rejected(embed, num_conformers, expected):
    references = [embed("CCO", 2), embed("CCN", 1)]
    fake = FakeGenerator()
    ours = Generated(fake, references, num_conformers, 3, num_steps=5)
    evaluation = evaluate_methods(
        references, {"ours": ours}, num_conformers, max_plausibility=0, progress=False
    )
    assert fake.asked == [(0, count, 3, {"num_steps": 5}) for count in expected]
    assert [molecule.num_returned for molecule in evaluation.methods[1].molecules] == expected
    assert ours.tally == "20 samples drawn; reflected 10.00 %, stereo 10.00 %, bond length 20.00 %"
    assert ours.wrong_stereo == pytest.approx(0.2)


def test_what_is_asked_as_often_is_asked_together_and_comes_in_order(embed):
    smiles, counts = ("CCO", "CCN", "CCC", "CCF"), (2, 1, 2, 1)
    references = [embed(s, k) for s, k in zip(smiles, counts, strict=True)]
    fake = FakeGenerator()
    calls: list[int] = []
    many = fake.generate_many
    fake.generate_many = lambda mols, count, *rest, **options: (
        calls.append(count) or many(mols, count, *rest, **options)
    )
    found = list(Generated(fake, references, None, 3))
    assert calls == [4, 2]
    assert [mol.GetNumConformers() for mol in found] == [4, 2, 4, 2]
    assert [Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in found] == list(smiles)
