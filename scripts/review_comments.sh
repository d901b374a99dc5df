#!/usr/bin/env bash
# What the scripts that comment have in common: which comment a review replaces. Sourced, not run.
#
# A review's first line is a marker that doesn't show: <!-- homelab-review KEY PART -->. `existing` holds a line "ID MARKER" for each
# comment of ours; `markers` gets those of the files.
existing=${existing:-}
markers=()

# Sets `marker` to the file's, or ends the script where it has none.
read_marker() {
  marker=$(head -n 1 "$1")
  case "$marker" in
  "<!-- homelab-review "*) markers+=("$marker") ;;
  *)
    echo "$1 is no review: its first line is no marker" >&2
    exit 1
    ;;
  esac
}

# Prints the id of the comment that begins with the marker $1; nothing where there is none.
find_comment() {
  awk -v marker="$1" '{ id = $1; sub(/^[0-9]+ /, ""); sub(/\r$/, ""); if ($0 == marker) { print id; exit } }' <<<"$existing"
}

# Prints the ids of comments of an earlier, longer review with the same key, which no file replaces.
stale_comments() {
  local id found one kept
  while read -r id found; do
    [ -n "$id" ] || continue
    # Other reviews keep their comments.
    [ "$(awk '{ print $3 }' <<<"$found")" = "$(awk '{ print $3 }' <<<"${markers[0]}")" ] || continue
    kept=no
    for one in "${markers[@]}"; do
      if [ "$one" = "${found%$'\r'}" ]; then kept=yes; fi
    done
    if [ "$kept" = no ]; then echo "$id"; fi
  done <<<"$existing"
}
