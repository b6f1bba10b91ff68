"""Service health: is each service still doing its work, by the time inside what it writes?"""
