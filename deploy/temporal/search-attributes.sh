#!/bin/sh
# Registers the search attributes of tokenkeeper's Workflows: once for each cluster, and again without harm. Address and
# namespace come from TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, as for every `temporal` command.
set -eu

# The namespace of a new cluster takes some seconds to be known everywhere.
tries=60
until known=$(temporal operator search-attribute list --output json); do
	tries=$((tries - 1))
	if [ "$tries" -eq 0 ]; then
		echo "the namespace ${TEMPORAL_NAMESPACE:-default} does not answer at ${TEMPORAL_ADDRESS:-localhost:7233}" >&2
		exit 1
	fi
	sleep 1
done

register() {
	case $known in
	*"\"$1\""*) echo "$1 is there" ;;
	*) temporal operator search-attribute create --name "$1" --type "$2" ;;
	esac
}
register AccountStatus Keyword
register AccountProvider Keyword
register TokenExpiresAt Datetime
register AccountHeldBy Keyword
register ConnectorStatus Keyword
