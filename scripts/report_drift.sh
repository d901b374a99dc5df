#!/usr/bin/env bash
# Keeps one issue about drift: report_drift.sh ENVIRONMENT CODE FILE
#
# CODE is what `homelab review --environment` ended with: 0 closes the issue where there is one, 2 and 3 open it or replace its
# text. Needs gh with GH_TOKEN, and GITHUB_REPOSITORY.
set -euo pipefail

environment=$1 code=$2 file=$3
issues="repos/${GITHUB_REPOSITORY:?is set by GitHub Actions}/issues"
title="$environment is not as its file says"

number=$(gh api --paginate "$issues?state=open&per_page=100" \
  --jq ".[] | select(.pull_request | not) | select(.user.type == \"Bot\") | select(.title == \"$title\") | .number" | head -n 1)

case "$code" in
0)
  if [ -n "$number" ]; then
    gh api --silent --method PATCH "$issues/$number" --field state=closed --field state_reason=completed
  fi
  ;;
2 | 3)
  if [ -n "$number" ]; then
    gh api --silent --method PATCH "$issues/$number" --field "body=@$file"
  else
    gh api --silent --method POST "$issues" --field "title=$title" --field "body=@$file"
  fi
  ;;
*)
  echo "the review ended with $code: there is nothing to report" >&2
  exit 1
  ;;
esac
