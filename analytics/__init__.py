"""What SQL says well but does not do fast enough, or can't say well: Arrow in, Arrow out.

Belongs here: kernels that stand behind a model of the dbt project, each compared with the model's SQL bit for bit. Not
here: business rules, which are SQL (dbt_project/), and anything that knows Dagster.
"""
