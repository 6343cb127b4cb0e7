#!/bin/sh
set -eu
rpm -e rsqlflow-agent
