#!/bin/sh
set -eu
cd "$(dirname "$0")"
rpm -U --replacepkgs --oldpackage rsqlflow-agent.rpm
