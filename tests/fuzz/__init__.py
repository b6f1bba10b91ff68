"""
No document that somebody writes ends a command in a traceback, or becomes a pass.

`parsers` is the table of what reads documents, and `commands` that of the commands that are given one; a new one is a
line there. `mutation` makes bad documents of good ones.
"""
