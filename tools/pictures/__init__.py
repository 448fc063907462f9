"""Pictures of every page of the product, for the documents and for eyes. `make pictures` runs it.

Words: manner (one way to look at a page), scene (the state an instance is in), sheet (the page on which all stand).
Doors: `pages.toml` lists the pages, `scenes` sets instances up, `taking` takes the pictures, `sheet` lays them out.
"""
