#!/usr/bin/env bash
echo "staging tables for $RSQLFLOW_WORKFLOW_ID are there"
