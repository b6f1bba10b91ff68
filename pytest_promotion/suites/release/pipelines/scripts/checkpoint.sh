words=(--profile "$PROFILE" --output-dir .runtime/kb_monthly_checkpoints)
words+=(--history-dir .runtime/kb_benchmark_history --review-dir .runtime/kb_benchmark_reviews)
words+=(--record-dir docs/Ops/KB_Monthly_Checkpoints)
template=docs/Ops/KB_Monthly_Checkpoint_Template.md
if [ -f "$template" ]; then words+=(--template "$template"); fi
# Without a month it is the last complete one: the month that began today has no points yet.
if [ -n "$MONTH" ]; then words+=(--month "$MONTH"); fi
code=0
promotion kb checkpoint "${words[@]}" || code=$?
# 5 is a candidate for a change of thresholds, which a person decides about.
if [ "$code" = 5 ]; then echo "candidate for a threshold change: see the checkpoint"; exit 0; fi
exit "$code"
