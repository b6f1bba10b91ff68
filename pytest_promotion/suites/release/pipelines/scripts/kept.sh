# An empty history looks like a good one: the first run says that it is the first.
if [ ! -d "$KEPT" ] && [ "$START_AFRESH" != true ]; then
  echo "$KEPT is not in the cache; START_AFRESH=true goes on without it" >&2
  exit 1
fi
