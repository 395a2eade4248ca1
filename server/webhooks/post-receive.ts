/**
 * The hook that any git server can run: POSIX sh, curl and openssl. It reports each ref that a push changed. The body carries a
 * number of its own, so that the same move of a branch made twice is two deliveries.
 */
export const POST_RECEIVE = `#!/bin/sh
# Reports pushes to Takt. Install as hooks/post-receive of a bare repository (chmod +x) and tell it where to report:
#   git config takt.url 'https://takt.example.org/hooks/git?project=NAME'
#   git config takt.secret 'SECRET'        (both are shown by GET /api/v1/projects/NAME/hook)
url=$(git config takt.url) && secret=$(git config takt.secret) || {
  echo "takt: set takt.url and takt.secret in this repository's config; this push was not reported" >&2
  exit 0
}
head=$(git symbolic-ref --quiet --short HEAD || echo main)
while read -r before after ref; do
  id=$(openssl rand -hex 16)
  name=$(printf '%s' "$ref" | sed 's/["\\\\]/\\\\&/g')
  case $before in *[!0]*) git merge-base --is-ancestor "$before" "$after" 2>/dev/null && forced=false || forced=true ;; *) forced=false ;; esac
  body=$(printf '{"id":"%s","ref":"%s","before":"%s","after":"%s","forced":%s,"default_branch":"%s"}' "$id" "$name" "$before" "$after" "$forced" "$head")
  signature=$(printf '%s' "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/^.* //')
  printf '%s' "$body" | curl -fsS --max-time 30 --retry 5 --retry-connrefused -o /dev/null -X POST "$url" --data-binary @- \\
    -H 'content-type: application/json' -H "x-takt-delivery: $id" -H "x-takt-signature: sha256=$signature" ||
    echo "takt: $ref was not reported; Takt finds it at the next push" >&2
done
`
