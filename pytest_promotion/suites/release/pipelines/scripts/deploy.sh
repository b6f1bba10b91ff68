words=(--env "$TARGET" --runtime-dir "$RUNTIME" --key <<public_key>>)
words+=(--decision "$DECIDED/reports/promotion_gates/latest.json" --subject "gitCommit:$(git rev-parse HEAD)")
%if compose
words+=(<<compose>>)
if [ -f <<compose_values>> ]; then words+=(--env-file <<compose_values>>); fi
%end
if [ "$ROLLBACK" = true ]; then words+=(--rollback-on-failure); fi
if [ -n "$PROJECT" ]; then words+=(--project-name "$PROJECT-$TARGET"); fi
if [ -n "$DATABASE" ]; then words+=(--database "$DATABASE"); fi
for url in $HEALTH_URLS; do words+=(--health-url "$url"); done
promotion deploy "${words[@]}"
