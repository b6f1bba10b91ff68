"""The chain from a candidate to its deployment: may a decision be acted on, here, now and for this stage?"""
