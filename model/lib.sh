# Common to check and mutants. run NAME FILE MODE FLAGS...: builds and searches; leaves states, errors, seconds, verdict
# (ok | error | incomplete) in variables. Everything is written below out/.
command -v spin >/dev/null 2>&1 || { echo "spin is not installed: apt-get install spin"; exit 3; }
command -v gcc >/dev/null 2>&1 || { echo "gcc is not installed: apt-get install gcc"; exit 3; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
memory=${MODEL_MEMORY:-8000}   # MiB for a search
optimize=-O0                   # of a short search: the compiler takes ten times as long with -O1, and saves a second
run() {
  local name=$1 file=$2 mode=$3; shift 3
  local dir=$here/out/$name options="-E -m2000000" defines="-DSAFETY" start
  rm -rf "$dir"; mkdir -p "$dir"; cp "$here/$file" "$dir/model.pml"
  [ "$mode" = cycles ] && { options="-l -m2000000"; defines="-DNP"; }
  verdict=incomplete; states=0; error=; start=$SECONDS
  if (cd "$dir" && spin -a "$@" model.pml && gcc "$optimize" -w $defines -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c) > "$dir/build.log" 2>&1; then
    (cd "$dir" && nice -n 19 ./pan $options > pan.log 2>&1)
    states=$(awk '/states, stored/ { print $1; exit }' "$dir/pan.log")
    error=$(sed -nE 's/^pan:[0-9]+: (.*) \(at depth [0-9]+\)$/\1/p' "$dir/pan.log" | head -1)
    if grep -qE 'errors: [1-9]' "$dir/pan.log"; then verdict=error
    elif grep -q 'errors: 0' "$dir/pan.log" && ! grep -qE 'max search depth too small|out of memory|Search not completed|reached -DMEMLIM' "$dir/pan.log"; then verdict=ok
    fi
    [ "$verdict" = error ] || rm -f "$dir/pan.c" "$dir"/pan.[bhmpt] "$dir/pan"
  fi
  seconds=$((SECONDS - start)); states=${states:-0}
}
