key="$(mktemp)"
trap 'rm -f "$key"' EXIT
printf '%s\n' "$PROMOTION_KEY_PEM" > "$key"
promotion sign "$DECIDED/reports/promotion_gates/latest.json" --key "$key" --profile "$TARGET" --policy <<policy>>
