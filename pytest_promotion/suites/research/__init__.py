"""Research candidates: from exploratory to accepted, with the evidence that was judged."""
