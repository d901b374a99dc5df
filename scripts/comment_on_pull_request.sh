#!/usr/bin/env bash
# Shows reviews on a pull request: comment_on_pull_request.sh NUMBER FILE...
#
# Each file begins with a marker that doesn't show, as `homelab review --format markdown` writes it. A comment that begins with
# the same marker is replaced; one of an earlier, longer review that no file replaces is deleted. Needs gh with GH_TOKEN, and
# GITHUB_REPOSITORY.
set -euo pipefail

number=$1
shift
comments="repos/${GITHUB_REPOSITORY:?is set by GitHub Actions}/issues/$number/comments"

# Only our own: everybody may write a comment that begins like ours.
existing=$(gh api --paginate "$comments?per_page=100" \
  --jq '.[] | select(.user.type == "Bot") | select(.body | startswith("<!-- homelab-review ")) | "\(.id) \(.body | split("\n")[0])"')

find_comment() {
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
  id=$(find_comment "$marker")
  if [ -n "$id" ]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$file"
  else
    gh api --silent --method POST "$comments" --field "body=@$file"
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
  if [ "$kept" = no ]; then gh api --silent --method DELETE "repos/$GITHUB_REPOSITORY/issues/comments/$id"; fi
done <<<"$existing"
