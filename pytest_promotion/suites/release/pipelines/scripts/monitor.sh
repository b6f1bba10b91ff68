words=(--profile "$PROFILE" --mode "$MODE" --policy "${POLICY:-<<knowledge>>}")
words+=(--history-dir .runtime/kb_benchmark_history)
if [ "$ACCEPT" = true ]; then words+=(--accept --by "$ACCEPTED_BY" --because "$BECAUSE"); fi
promotion kb monitor "${words[@]}"
