/**
 * What both scripts begin with: `look` finds what runs below a shell of a container, whose number is the first argument.
 *
 * That is the step's own subshell (the shell's child at the first look), all of its descendants, and what left them for the init
 * process since it began. Written with what a shell has built in, because an image need not hold more. The list of processes is
 * read once for a look: commands that begin one after the other would have it read for ever. `found` is in an order in which
 * parents come before their children.
 */
const LOOK = `
exec 2>/dev/null
IFS=' ' shell=$1 own= since=
look() {
  all= below=' ' found= again=1
  for dir in /proc/[0-9]*; do
    read -r line <"$dir/stat" || continue
    set -- \${line##*) }
    [ "$1" != Z ] || continue
    all="$all \${dir#/proc/}:$2:$3:$7:\${20}"
  done
  if [ -z "$own" ]; then
    for one in $all; do
      IFS=:
      set -- $one
      IFS=' '
      if [ "$2" = "$shell" ]; then own="$own $1 " since=$5; fi
    done
  fi
  while [ -n "$again" ]; do
    again=
    for one in $all; do
      IFS=:
      set -- $one
      IFS=' '
      case $below in *" $1 "*) continue ;; esac
      case $own$below in
        *" $1 "* | *" $2 "*) ;;
        *) [ "$2" = 1 ] && [ "$3" = "$shell" ] && [ "$1" != "$shell" ] && [ "$5" -ge "$since" ] || continue ;;
      esac
      below="$below$1 " found="$found $one" again=1
    done
  done
}
`

/** SIGKILL for all of them, for `sh -c`. Processes may fork meanwhile: they are looked for again until nobody is left. */
export const KILL_BELOW = `${LOOK}
rounds=20
while [ "$rounds" -gt 0 ]; do
  rounds=$((rounds - 1))
  look
  [ "$below" != ' ' ] || exit 0
  kill -s KILL $below
done
`

/**
 * SIGTERM for them, for `sh -c`, whose second argument is a word where the step's own subshell may tidy up, and whose third says how
 * many ticks of the kernel somebody is newborn. At once, and again for every line on its stdin, to whom it did not reach.
 *
 * Whoever runs when it is sent gets it once. Who is just being forked has a handler of its parent's, would put the signal off with
 * that, and gets it when it is older or has begun somebody itself. What is begun later is the tidying of somebody who got it and is let be, with these
 * exceptions, for both of which the step would wait until it is killed:
 *
 * - It was forked while the list was read, before its parent was sent anything: the kernel hands out the numbers in turn.
 * - Its parent is the step's own subshell, whose commands tidy nothing up: the signal came behind its last look for one.
 */
export const TERM_BELOW = `${LOOK}
tidies=$2 young=$3 sent=' ' just=' ' late=' ' from= to=
newest() { read -r a b c d newest </proc/loadavg || newest=; }
now() { read -r now a </proc/uptime && now=\${now%.*}\${now#*.}; }
alone() { case $all in *":$1:"*) return 1 ;; esac; }
catches() {
  while read -r word mask; do
    case $word\${mask#?} in SigCgt:*[4-7c-f]???) return 0 ;; esac
  done <"/proc/$1/status"
  return 1
}
between() {
  [ -n "$to" ] || return 1
  if [ "$from" -le "$to" ]; then
    [ "$1" -gt "$from" ] && [ "$1" -le "$to" ]
  else
    [ "$1" -gt "$from" ] || [ "$1" -le "$to" ]
  fi
}
wanted() {
  case $sent in
    ' ') return 0 ;;
    *" $1 "*) return 1 ;;
  esac
  case $late in *" $1 "*) return 0 ;; esac
  case $fresh in *" $2 "*) return 0 ;; esac
  case $own in *" $2 "*) [ -n "$tidies" ] || return 0 ;; esac
  case " 1$just" in *" $2 "*) between "$1" ;; *) false ;; esac
}
round() {
  fresh=' '
  newest
  begun=$newest
  now
  look
  for one in $found; do
    IFS=:
    set -- $one
    IFS=' '
    wanted "$1" "$2" || continue
    if [ "$2" != "$shell" ] && [ $(($4 & 64)) -ne 0 ] && [ $(($5 + young)) -ge "$now" ] && alone "$1" && catches "$1"; then
      case $late in *" $1 "*) ;; *) late="$late$1 " ;; esac
      continue
    fi
    fresh="$fresh$1 "
  done
  [ "$fresh" != ' ' ] || return 1
  newest
  kill -s TERM $fresh
  from=$begun to=$newest just=$fresh sent="$sent\${fresh# }"
}
sweep() {
  rounds=20
  while [ "$rounds" -gt 0 ] && round; do rounds=$((rounds - 1)); done
}
sweep
while read -r line; do sweep; done
`
