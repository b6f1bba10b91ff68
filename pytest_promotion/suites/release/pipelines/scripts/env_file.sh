umask 077
printf '%s\n' "$ENV_FILE" > <<env_file>>
