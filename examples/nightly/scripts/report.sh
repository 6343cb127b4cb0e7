#!/usr/bin/env bash
echo "the report is out"
