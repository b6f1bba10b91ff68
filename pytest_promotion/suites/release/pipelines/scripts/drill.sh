words=(--env "$TARGET" --retain-count "$RETAIN")
%if compose
words+=(<<compose>>)
if [ -f <<compose_values>> ]; then words+=(--env-file <<compose_values>>); fi
%end
if [ "$LIVE" = true ]; then words+=(--live); else words+=(--dry-run); fi
if [ -n "$PROJECT" ]; then words+=(--project-name "$PROJECT-$TARGET"); fi
if [ -n "$DATABASE" ]; then words+=(--database "$DATABASE"); fi
promotion drill "${words[@]}"
