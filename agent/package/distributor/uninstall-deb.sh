#!/bin/sh
set -eu
dpkg -r rsqlflow-agent
