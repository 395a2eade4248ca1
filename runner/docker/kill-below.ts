/**
 * Signals what runs below a shell of a container, for `sh -c`: the shell's number, the signal's name, how many rounds at most.
 *
 * That is all of its descendants, and what left them for the init process since the shell's own child began. Written with
 * what a shell has built in, because an image need not hold more. Processes may fork meanwhile: a round is done again until it
 * finds nobody.
 */
export const KILL_BELOW = `
exec 2>/dev/null
shell=$1 name=$2 rounds=$3
while [ "$rounds" -gt 0 ]; do
  rounds=$((rounds - 1)) below=" $shell " since= again=1
  while [ -n "$again" ]; do
    again=
    for dir in /proc/[0-9]*; do
      pid=\${dir#/proc/}
      case $below in *" $pid "*) continue ;; esac
      IFS= read -r line <"$dir/stat" || continue
      set -- \${line##*) }
      [ "$1" != Z ] || continue
      if [ "$2" = "$shell" ] && { [ -z "$since" ] || [ "\${20}" -lt "$since" ]; }; then since=\${20}; fi
      case $below in
        *" $2 "*) ;;
        *) [ "$2" = 1 ] && [ "$3" = "$shell" ] && [ -n "$since" ] && [ "\${20}" -ge "$since" ] || continue ;;
      esac
      below="$below$pid " again=1
    done
  done
  set -- $below
  shift
  [ $# -gt 0 ] || exit 0
  kill -s "$name" "$@"
done
`
