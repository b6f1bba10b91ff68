"""Statistics of research series that have a memory: each module is one question, with the source of its formula."""
