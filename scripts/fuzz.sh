#!/bin/sh
# Fuzzes for FUZZBUDGET seconds in all (default 60), FUZZTIME seconds a target
# (default 30). Which targets come up moves on with every commit, so that all
# have their turn; FUZZ=NAME picks one.
set -eu
cd "$(dirname "$0")/.."
budget=${FUZZBUDGET:-60}
each=${FUZZTIME:-30}

targets=$(grep -rHoE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' cmd internal | sed 's/:func / /' | sort)
if [ -n "${FUZZ:-}" ]; then
	targets=$(echo "$targets" | grep " $FUZZ\$")
fi
count=$(echo "$targets" | wc -l)
turn=$(git rev-list --count HEAD 2>/dev/null || echo 0)
rounds=$((budget / each))
[ "$rounds" -le "$count" ] || rounds=$count

log=$(mktemp)
trap 'rm -f "$log"' EXIT
i=0
while [ "$i" -lt "$rounds" ]; do
	at=$(((turn * rounds + i) % count + 1))
	line=$(echo "$targets" | sed -n "${at}p")
	folder=./$(dirname "${line% *}")
	name=${line#* }
	echo "fuzz: $name in $folder for ${each}s"
	if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "${each}s" -fuzzminimizetime 20x "$folder" >"$log" 2>&1; then
		cat "$log"
		# Before 1.27 Go may end a run that found nothing with this when its time is over
		# (golang/go#75804). What is found names its input, a hang included.
		if grep -q '^    context deadline exceeded$' "$log" && ! grep -qE 'Failing input|panic|hung|terminated' "$log"; then
			echo "fuzz: found nothing; that was the end of its time"
		else
			exit 1
		fi
	fi
	i=$((i + 1))
done
echo "fuzz: $rounds of $count targets"
