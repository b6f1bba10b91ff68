"""What a gate's body judged while it ran: its source is instrumented, and a tally counts what was executed."""
