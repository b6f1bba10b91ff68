"""Collections of questions and judgements in the formats of other tools: BEIR and TREC."""
