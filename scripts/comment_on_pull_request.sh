#!/usr/bin/env bash
# Shows reviews on a pull request: comment_on_pull_request.sh NUMBER FILE...
#
# Each file begins with a marker that doesn't show, as `homelab review --format markdown` writes it. A comment that begins with
# the same marker is replaced; one of an earlier, longer review that no file replaces is deleted. Needs gh with GH_TOKEN, and
# GITHUB_REPOSITORY.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=review_comments.sh
. "$(dirname "${BASH_SOURCE[0]}")/review_comments.sh"

number=$1
shift
comments="repos/${GITHUB_REPOSITORY:?is set by GitHub Actions}/issues/$number/comments"

# Only our own: everybody may write a comment that begins like ours.
existing=$(gh api --paginate "$comments?per_page=100" \
  --jq '.[] | select(.user.type == "Bot") | select(.body | startswith("<!-- homelab-review ")) | "\(.id) \(.body | split("\n")[0])"')

for file in "$@"; do
  read_marker "$file"
  id=$(find_comment "$marker")
  if [ -n "$id" ]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$file"
  else
    gh api --silent --method POST "$comments" --field "body=@$file"
  fi
done

for id in $(stale_comments); do
  gh api --silent --method DELETE "repos/$GITHUB_REPOSITORY/issues/comments/$id"
done
