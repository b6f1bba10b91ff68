words=(--profile "$TARGET" --promotion-policy=<<policy>>)
%if elsewhere
words+=(--promotion-root=<<root>>)
%end
words+=("--promotion-subject=commit=gitCommit:$(git<<in_root>> rev-parse HEAD)")
if [ "$DOCKER_BUILD" = true ]; then words+=(--docker-build); fi
%if knowledge
if [ "$KB_MODE" != auto ]; then words+=(--kb-benchmark-mode "$KB_MODE"); fi
if [ -n "$KB_POLICY" ]; then words+=(--kb-policy "$KB_POLICY"); fi
if [ -n "$KB_CASES" ]; then words+=(--kb-cases "$KB_CASES"); fi
if [ -n "$KB_MIN_PRECISION" ]; then words+=(--kb-min-precision "$KB_MIN_PRECISION"); fi
if [ -n "$KB_MIN_RECALL" ]; then words+=(--kb-min-recall "$KB_MIN_RECALL"); fi
%end
promotion gates "${words[@]}" <<gates>>
