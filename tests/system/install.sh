#!/bin/sh
# Installs what the system tests need, where it may; otherwise names what is missing.
missing=""
for pair in nginx:nginx-light logrotate:logrotate openssl:openssl; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2086 # a list of packages
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing; } >/dev/null 2>&1 && exit 0
    echo "could not install:$missing; the tests that need them are skipped and named" >&2
else
    echo "not installed:$missing; as root, apt-get install$missing; the tests that need them are skipped and named" >&2
fi
exit 0
