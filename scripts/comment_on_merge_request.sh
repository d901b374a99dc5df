#!/usr/bin/env bash
# Shows reviews on a GitLab merge request: comment_on_merge_request.sh NUMBER FILE...
#
# Does what comment_on_pull_request.sh does on GitHub. Needs curl, jq, HOMELAB_GITLAB_TOKEN, CI_API_V4_URL and CI_PROJECT_ID.
set -euo pipefail

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
existing=""
page=1
while [ -n "$page" ]; do
  headers=$(mktemp)
  # Only our own: everybody may write a comment that begins like ours.
  existing+=$(call --dump-header "$headers" "$notes?per_page=100&page=$page" | jq -r --argjson me "$me" \
    '.[] | select(.author.id == $me) | select(.body | startswith("<!-- homelab-review ")) | "\(.id) \(.body | split("\n")[0])"')
  existing+=$'\n'
  page=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "x-next-page:" { print $2 }')
  rm -f "$headers"
done

find_note() {
  awk -v marker="$1" '{ id = $1; sub(/^[0-9]+ /, ""); sub(/\r$/, ""); if ($0 == marker) { print id; exit } }' <<<"$existing"
}

markers=()
for file in "$@"; do
  marker=$(head -n 1 "$file")
  case "$marker" in
  "<!-- homelab-review "*) ;;
  *)
    echo "$file is no review: its first line is no marker" >&2
    exit 1
    ;;
  esac
  markers+=("$marker")
  id=$(find_note "$marker")
  if [ -n "$id" ]; then
    call --output /dev/null --request PUT --form "body=<$file" "$notes/$id"
  else
    call --output /dev/null --request POST --form "body=<$file" "$notes"
  fi
done

# The review's key stands between the marker's first and last word; other reviews keep their comments.
key=$(awk '{ print $3 }' <<<"${markers[0]}")
while read -r id marker; do
  [ -n "$id" ] || continue
  [ "$(awk '{ print $3 }' <<<"$marker")" = "$key" ] || continue
  kept=no
  for one in "${markers[@]}"; do
    if [ "$one" = "${marker%$'\r'}" ]; then kept=yes; fi
  done
  if [ "$kept" = no ]; then call --output /dev/null --request DELETE "$notes/$id"; fi
done <<<"$existing"
