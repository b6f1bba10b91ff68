"""From the gates that ran to one decision: what is declared, what happened, and what follows."""
