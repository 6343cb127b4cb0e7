#!/bin/sh
set -eu
cd "$(dirname "$0")"
# The deployment's settings are not ours to ask about.
DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i rsqlflow-agent.deb
