#!/bin/sh
# Starts Redis with the users of users.acl and nobody else. The password comes from REDIS_PASSWORD; Redis gets its SHA-256 alone,
# in a file that only it can read, so that the password stands on no command line.
set -eu
umask 077
: "${REDIS_PASSWORD:?a long random password}"
hash=$(printf %s "$REDIS_PASSWORD" | sha256sum | cut -d ' ' -f 1)
unset REDIS_PASSWORD
sed "s/>PASSWORD/#$hash/" "$(dirname "$0")/users.acl" > users.acl
# Everything in it may vanish; what it must not do is evict by itself (docs/redis.md).
exec docker-entrypoint.sh redis-server --aclfile "$PWD/users.acl" \
  --save '' --appendonly no --maxmemory-policy noeviction "$@"
