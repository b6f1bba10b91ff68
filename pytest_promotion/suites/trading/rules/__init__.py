"""The rules of the trading contract that compare several files: each gives the sentences for what is wrong."""
