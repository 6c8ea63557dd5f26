"""How good are conformers: metrics, baselines and the report that shows them."""
