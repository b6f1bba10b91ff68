# Nothing to ask is no parity: without a URL or a plan this fails.
promotion parity e2e --base-url "$E2E_URL" --plan <<plan>> --env "$TARGET"
