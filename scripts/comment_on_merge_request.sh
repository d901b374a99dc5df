#!/usr/bin/env bash
# Shows reviews on a GitLab merge request: comment_on_merge_request.sh NUMBER FILE...
#
# Does what comment_on_pull_request.sh does on GitHub. Needs curl, jq, HOMELAB_GITLAB_TOKEN, CI_API_V4_URL and CI_PROJECT_ID.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=review_comments.sh
. "$(dirname "${BASH_SOURCE[0]}")/review_comments.sh"

number=$1
shift
notes="${CI_API_V4_URL:?is set by GitLab CI}/projects/${CI_PROJECT_ID:?is set by GitLab CI}/merge_requests/$number/notes"
: "${HOMELAB_GITLAB_TOKEN:?a project access token with the scope api}"

# The token goes by a file: arguments of programs can be read by everybody on the machine.
call() {
  curl --fail-with-body --silent --show-error --max-time 60 --retry 3 \
    --header @<(printf 'PRIVATE-TOKEN: %s\n' "$HOMELAB_GITLAB_TOKEN") "$@"
}

me=$(call "$CI_API_V4_URL/user" | jq -r .id)
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
page=1
while [ -n "$page" ]; do
  # Only our own: everybody may write a comment that begins like ours.
  existing+=$(call --dump-header "$headers" "$notes?per_page=100&page=$page" | jq -r --argjson me "$me" \
    '.[] | select(.author.id == $me) | select(.body | startswith("<!-- homelab-review ")) | "\(.id) \(.body | split("\n")[0])"')
  existing+=$'\n'
  page=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "x-next-page:" { print $2 }')
done

for file in "$@"; do
  read_marker "$file"
  id=$(find_comment "$marker")
  if [ -n "$id" ]; then
    call --output /dev/null --request PUT --form "body=<$file" "$notes/$id"
  else
    call --output /dev/null --request POST --form "body=<$file" "$notes"
  fi
done

for id in $(stale_comments); do
  call --output /dev/null --request DELETE "$notes/$id"
done
