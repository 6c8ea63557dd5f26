"""How good are conformers: one file for each metric, the baselines, and the report that shows them.

`evaluate.evaluate_methods` runs methods on molecules with known conformers, `table.text_table` and
`report.write_report` show what it measured.
"""
