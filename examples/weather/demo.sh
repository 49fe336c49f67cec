#!/usr/bin/env bash
# The main job from beginning to end: a broker inside pyudf, a year of real weather, the notebook function of heat.py.
# `make demo` builds what it needs and runs it. It leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"
here=examples/weather
work=$(mktemp -d)

bold() { if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi; }
show() { printf '$ %s\n' "$*"; "$@"; }
tail_of() { pyudf tail "$1" --offset earliest --format json; }

pyudf dev --addr 127.0.0.1:0 --ready-file "$work/addr" >"$work/dev.log" 2>&1 &
broker=$!
trap 'kill "$broker" 2>/dev/null || true; wait "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
until [ -s "$work/addr" ]; do
  kill -0 "$broker" 2>/dev/null || { cat "$work/dev.log" >&2; exit 1; }
  sleep 0.05
done
PYUDF_BROKERS=$(cat "$work/addr")
export PYUDF_BROKERS

bold "1. A broker inside pyudf listens on $PYUDF_BROKERS. A year of weather goes into its topic weather:"
show pyudf produce weather $here/nyc-weather-2013.csv --key station --time time

bold "2. The function from the notebook runs on the topic, unchanged:"
show pyudf run $here/heat.py --start earliest --until-end

bold "3. What came out, from the topics heat and heat.dlq:"
tail_of heat >"$work/heat.jsonl"
tail_of heat.dlq >"$work/dead.jsonl"
.venv/bin/python $here/hottest.py <"$work/heat.jsonl"
.venv/bin/python $here/dead.py <"$work/dead.jsonl"

bold "Try next"
cat <<'NEXT'
  . .venv/bin/activate; PATH=$PWD/bin:$PATH    so that the lines below work as they stand
  pyudf plan examples/weather/heat.py          what runs in Go, and what travels to Python
  $EDITOR examples/weather/heat.py             change the function, then make demo again
  pyudf dev                                    a broker and a node that stay; then in another terminal:
  pyudf produce weather examples/weather/nyc-weather-2013.csv --key station --time time
  pyudf deploy examples/weather/heat.py        runs on the node; change the function and deploy it again
  pyudf tail heat --follow                     results as they come
NEXT
