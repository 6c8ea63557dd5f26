"""How good conformers are: metrics, the report, the film."""
