"""What the pages cost with a million findings stored: a real instance, a real server, real requests.

Words: stock (an instance filled by the product's own commands), visitor (somebody signed in over HTTP), page (an
address, or several of one kind), round (every page asked once).
"""
